using Microsoft.ML.Reversible.Checkpoints;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>The files of one tokenizer: read at most once each, kept, and written again as they were.</summary>
/// <param name="folder">Where they lie.</param>
internal sealed class TokenizerFiles(string folder)
{
    /// <summary>Bytes in the longest file that is read; the longest of the field have some 40 MB.</summary>
    public const int LongestFile = 1 << 27;

    private readonly SortedDictionary<string, byte[]> _read = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _savedAs = new(StringComparer.Ordinal);

    /// <summary>The path of a file.</summary>
    public string PathOf(string name) => Path.Combine(folder, name);

    /// <summary>Whether there is such a file.</summary>
    public bool Has(string name) => File.Exists(PathOf(name));

    /// <summary>Has a file written under another name than the one it is read under.</summary>
    public void SaveAs(string name, string other) => _savedAs[name] = other;

    /// <summary>The bytes of a file.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is too long to be what it should.</exception>
    public byte[] Read(string name)
    {
        if (_read.TryGetValue(name, out byte[]? known)) return known;
        string path = PathOf(name);
        if (!File.Exists(path))
            throw new FileNotFoundException(
                $"The folder '{folder}' lacks the tokenizer file '{name}'. Save the model again, or copy the file there.", path);

        using FileStream stream = File.OpenRead(path);
        if (stream.Length > LongestFile)
            throw TokenizerJson.Malformed(path, $"it has {stream.Length} bytes, more than the {LongestFile} of the longest that is read");
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        _read.Add(name, bytes);
        return bytes;
    }

    /// <summary>Writes what was read into a folder, and a configuration where there was none.</summary>
    public void Write(string target, Action<Stream> writeConfiguration)
    {
        foreach ((string name, byte[] bytes) in _read)
            AtomicFile.Write(Path.Combine(target, _savedAs.GetValueOrDefault(name, name)), stream => stream.Write(bytes));
        if (!_read.ContainsKey(TokenizerConfiguration.FileName))
            AtomicFile.Write(Path.Combine(target, TokenizerConfiguration.FileName), writeConfiguration);
    }
}
