using System.IO.Compression;
using System.Reflection;
using System.Text;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

internal sealed class ModelLoadContext
{
    private readonly ZipArchive _archive;
    private readonly string _folder;

    private ModelLoadContext(IHostEnvironment env, ZipArchive archive, string folder, BinaryReader reader)
    {
        Environment = env;
        _archive = archive;
        _folder = folder;
        Reader = reader;
    }

    public IHostEnvironment Environment { get; }

    public BinaryReader Reader { get; }

    public T Load<T>(string name) => (T)Load(Environment, _archive, $"{_folder}/{name}");

    public static object Load(IHostEnvironment env, ZipArchive archive, string folder)
    {
        var entry = archive.GetEntry($"{folder}/Model.key") ?? throw new FormatException($"Corrupt model file: it has no '{folder}'");
        using var reader = new BinaryReader(entry.Open(), Encoding.UTF8);
        var load = ModelLoaders.Find(reader.ReadString());
        try
        {
            return load(new ModelLoadContext(env, archive, folder, reader));
        }
        catch (Exception e) when (e is not TargetInvocationException)
        {
            // Components are made by reflection, which wraps what they throw; so a caller has to look inside.
            throw new TargetInvocationException(e);
        }
    }
}
