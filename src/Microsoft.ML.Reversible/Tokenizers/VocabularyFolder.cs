using System.Text;
using System.Text.Json;
using Microsoft.ML.Reversible.Storage;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>
/// Reads and writes Hugging Face's tokenizer files for GPT-2, with one field of this library in tokenizer_config.json: the kind of tokens.
/// </summary>
internal static class VocabularyFolder
{
    /// <summary>The file with the tokens.</summary>
    public const string VocabularyFile = "vocab.json";

    /// <summary>The file with the merges.</summary>
    public const string MergesFile = "merges.txt";

    private const string MergesHeader = "#version: 0.2";

    /// <summary>Writes the files into a folder.</summary>
    public static void Write(string folder, Vocabulary vocabulary)
    {
        AtomicFile.Write(Path.Combine(folder, VocabularyFile), stream => TokenizerJson.Write(stream, json =>
        {
            for (int id = 0; id < vocabulary.Tokens.Count; id++) json.WriteNumber(vocabulary.Tokens[id], id);
        }));
        AtomicFile.Write(Path.Combine(folder, MergesFile), stream =>
        {
            using var writer = new StreamWriter(stream, leaveOpen: true) { NewLine = "\n" };
            writer.WriteLine(MergesHeader);
            foreach (string merge in vocabulary.Merges) writer.WriteLine(merge);
        });
        AtomicFile.Write(Path.Combine(folder, TokenizerConfiguration.FileName), stream => WriteConfiguration(stream, vocabulary));
    }

    /// <summary>Writes tokenizer_config.json.</summary>
    public static void WriteConfiguration(Stream stream, Vocabulary vocabulary)
    {
        // Hugging Face has no class that cuts text into characters, so none is named.
        string? tokenizerClass = vocabulary.Kind == TextTokenization.Character ? null : "GPT2Tokenizer";
        TokenizerConfiguration.Write(
            stream, tokenizerClass, vocabulary.Prefix, vocabulary.EndOfText, vocabulary.Kind, addsBegin: false);
    }

    /// <summary>Reads the files. Without tokenizer_config.json they are read as GPT-2's.</summary>
    /// <param name="files">The folder.</param>
    /// <param name="vocabularyFile">The name of the file with the tokens.</param>
    /// <param name="mergesFile">The name of the file with the merges.</param>
    /// <param name="special">The ids that end a document and come before one.</param>
    public static Vocabulary Read(TokenizerFiles files, string vocabularyFile, string mergesFile, SpecialIds special)
    {
        TokenizerConfiguration configuration = TokenizerConfiguration.Read(files);
        string vocabularyPath = files.PathOf(vocabularyFile);
        TokenTable table;
        using (JsonDocument document = TokenizerJson.ParseObject(files.Read(vocabularyFile), vocabularyPath))
            table = TokenTable.Of(TokenizerJson.ReadIds(document.RootElement, vocabularyPath), [], configuration, vocabularyPath);
        string[] merges = ReadMerges(files.Read(mergesFile), files.PathOf(mergesFile));
        Vocabulary vocabulary = Vocabulary.Of(
            configuration.Kind ?? TextTokenization.Bpe, table, merges, special.In(table.Texts, configuration, vocabularyPath)) with
        {
            AddsPrefixSpace = configuration.AddsPrefixSpace == true,
        };
        vocabulary.Check(vocabularyPath, files.PathOf(mergesFile));
        return vocabulary;
    }

    private static string[] ReadMerges(byte[] file, string path)
    {
        // Only line feeds end a line. Tokens have no white space, which is written in GPT-2's byte alphabet.
        using var reader = new StreamReader(new MemoryStream(file), Encoding.UTF8);
        string[] lines = reader.ReadToEnd().Split('\n');
        var merges = new List<string>();
        for (int i = 0; i < lines.Length; i++)
        {
            string line = lines[i].Trim(' ', '\t', '\r');
            if (line.Length == 0 || line.StartsWith("#version", StringComparison.Ordinal)) continue;
            if (line.Split(' ') is not [{ Length: > 0 }, { Length: > 0 }])
                throw TokenizerJson.Malformed(path, $"line {i + 1} is '{line}' and must be two tokens with one space between");
            merges.Add(line);
        }
        return [.. merges];
    }
}
