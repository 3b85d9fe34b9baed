using System.IO.Compression;
using System.Text;

namespace Microsoft.ML;

public sealed class ModelSaveContext : IDisposable
{
    private readonly ZipArchive _archive;
    private readonly string _folder;
    private readonly MemoryStream _content = new();
    private readonly BinaryWriter _writer;
    private bool _begun;

    internal ModelSaveContext(ZipArchive archive, string folder)
    {
        _archive = archive;
        _folder = folder;
        _writer = new BinaryWriter(_content, Encoding.UTF8);
    }

    public void Dispose() => _writer.Dispose();

    /// <summary>Names what is saved here and gives the stream for its state; once only.</summary>
    internal BinaryWriter Begin(string signature)
    {
        if (_begun)
            throw new InvalidOperationException("A model has been saved in this context already");
        _begun = true;
        _writer.Write(signature);
        return _writer;
    }

    internal void SaveModel(ICanSaveModel model, string name) => Save(_archive, model, $"{_folder}/{name}");

    internal static void Save(ZipArchive archive, ICanSaveModel model, string folder)
    {
        using var context = new ModelSaveContext(archive, folder);
        model.Save(context);
        context.Done();
    }

    private void Done()
    {
        if (!_begun)
            throw new InvalidOperationException("ModelSignature not specified!");
        _writer.Flush();
        using var entry = _archive.CreateEntry($"{_folder}/Model.key").Open();
        _content.WriteTo(entry);
    }
}
