using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Reversible.Storage;

namespace Microsoft.ML.Reversible.Language;

/// <summary>Reads and writes a network's adapter as a folder in PEFT's layout: adapter_config.json and adapter_model.safetensors.</summary>
internal static class AdapterFolder
{
    /// <summary>Writes the folder completely or not at all.</summary>
    /// <param name="network">A network with an adapter.</param>
    /// <param name="folder">The folder to write or replace.</param>
    public static void Save(LanguageNetwork network, string folder) =>
        AtomicFolder.Write(folder, aside => Write(network, aside), AdapterConfigurationFile.FileName, AdapterWeights.FileName);

    /// <summary>Writes the adapter, without its base, into an existing folder: what a checkpoint needs.</summary>
    public static void Write(LanguageNetwork network, string folder)
    {
        AdapterConfigurationFile.Write(Path.Combine(folder, AdapterConfigurationFile.FileName), network);
        AdapterWeights.Write(Path.Combine(folder, AdapterWeights.FileName), network);
    }

    /// <summary>Makes a network with a folder's adapter over another network, as <see cref="LanguageNetwork.WithAdapter"/> does.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="network">The base, without an adapter.</param>
    /// <returns>The network; the caller disposes of it.</returns>
    /// <exception cref="InvalidDataException">The folder does not hold an adapter of this network; the message says why.</exception>
    /// <exception cref="IOException">The folder or one of its files does not exist.</exception>
    /// <exception cref="InvalidOperationException">The base has an adapter.</exception>
    public static LanguageNetwork Load(string folder, LanguageNetwork network)
    {
        network.RequireNoAdapter();
        string path = Path.Combine(folder, AdapterWeights.FileName), config = Path.Combine(folder, AdapterConfigurationFile.FileName);
        RequireFiles(folder, config, path);
        using SafeTensorsFile file = SafeTensorsFile.Open(path);
        AdapterDescription description = AdapterConfigurationFile.Read(config, network, file);
        LanguageNetwork adapted;
        try
        {
            adapted = network.WithAdapter(
                description.Settings, seed: null, description.Scheme, arithmetic: description.Arithmetic,
                check: declared => AdapterWeights.Check(file, path, declared));
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException)
        {
            throw AdapterConfigurationFile.Fault(config, e);
        }
        try
        {
            AdapterWeights.ReadInto(file, adapted);
            return adapted;
        }
        catch
        {
            adapted.Dispose();
            throw;
        }
    }

    /// <summary>Reads a folder's weights into a network with an adapter of the same shape.</summary>
    /// <exception cref="InvalidDataException">The folder's adapter is another one; the message lists the differences.</exception>
    public static void ReadWeights(string folder, LanguageNetwork network)
    {
        string path = Path.Combine(folder, AdapterWeights.FileName);
        using SafeTensorsFile file = SafeTensorsFile.Open(path);
        AdapterWeights.Check(file, path, network);
        AdapterWeights.ReadInto(file, network);
    }

    private static void RequireFiles(string folder, string config, string weights)
    {
        if (!Directory.Exists(folder))
            throw new DirectoryNotFoundException(
                File.Exists(folder) ? $"'{folder}' is a file. Give the folder that holds it." : $"The folder '{folder}' does not exist.");
        if (!File.Exists(config))
            throw new FileNotFoundException(
                $"The folder '{folder}' has no file '{AdapterConfigurationFile.FileName}', so it does not hold an adapter.", config);
        if (File.Exists(weights)) return;
        string advice = File.Exists(Path.Combine(folder, "adapter_model.bin"))
            ? " Its 'adapter_model.bin' was written by PyTorch: convert it with peft, PeftModel.from_pretrained(model, folder)" +
              ".save_pretrained(folder, safe_serialization=True)."
            : "";
        throw new FileNotFoundException($"The folder '{folder}' lacks the file '{AdapterWeights.FileName}'.{advice}", weights);
    }
}
