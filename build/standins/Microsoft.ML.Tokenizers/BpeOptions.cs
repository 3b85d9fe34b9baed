using System.Text.Json;

namespace Microsoft.ML.Tokenizers;

public sealed class BpeOptions
{
    public BpeOptions(IEnumerable<KeyValuePair<string, int>> vocabulary)
    {
        ArgumentNullException.ThrowIfNull(vocabulary);
        Vocabulary = vocabulary;
    }

    public BpeOptions(string vocabFile, string? mergesFile = null)
    {
        ArgumentNullException.ThrowIfNull(vocabFile);
        using var vocabulary = OpenOrRefuse(vocabFile, "vocabulary");
        Vocabulary = ReadVocabulary(vocabulary);
        if (mergesFile is null)
            return;

        using var merges = OpenOrRefuse(mergesFile, "merges");
        Merges = ReadMerges(merges);
    }

    public IEnumerable<KeyValuePair<string, int>> Vocabulary { get; }

    public IEnumerable<string>? Merges { get; set; }

    public IReadOnlyDictionary<string, int>? SpecialTokens { get; set; }

    public Normalizer? Normalizer { get; set; }

    public PreTokenizer? PreTokenizer { get; set; }

    public string? UnknownToken { get; set; }

    public bool FuseUnknownTokens { get; set; }

    public bool ByteLevel { get; set; }

    internal static Dictionary<string, int> ReadVocabulary(Stream stream) =>
        JsonSerializer.Deserialize<Dictionary<string, int>>(stream)
        ?? throw new InvalidOperationException("The content of the vocabulary file is not valid.");

    internal static List<string> ReadMerges(Stream stream)
    {
        var merges = new List<string>();
        using var reader = new StreamReader(stream, leaveOpen: true);
        while (reader.ReadLine() is { } line)
            if (line.Length > 0 && !line.StartsWith("#version", StringComparison.Ordinal))
                merges.Add(line);
        return merges;
    }

    private static FileStream OpenOrRefuse(string path, string kind) =>
        File.Exists(path) ? File.OpenRead(path) : throw new ArgumentException($"Could not find the {kind} file '{path}'.");
}
