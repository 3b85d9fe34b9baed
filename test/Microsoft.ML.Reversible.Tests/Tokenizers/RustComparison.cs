using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Microsoft.ML.Reversible.Tokenizers;

namespace Microsoft.ML.Reversible.Tests.Tokenizers;

/// <summary>Compares ids and decoded texts of random texts with those of huggingface/tokenizers.</summary>
internal static class RustComparison
{
    /// <summary>The number of texts where many files are compared: 100,000 for each with REVERSIBLE_FULL=1.</summary>
    public static int FewOrAll => Environment.GetEnvironmentVariable("REVERSIBLE_FULL") == "1" ? 100_000 : 2000;

    /// <summary>Loads a tokenizer.json.</summary>
    public static LanguageModelTokenizer Load(JsonObject file)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("reversible-tests-");
        try
        {
            File.WriteAllText(Path.Combine(folder.FullName, "tokenizer.json"), file.ToJsonString());
            return LanguageModelTokenizer.Load(folder.FullName);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>Compares the ids of texts in which special tokens are found, with what is put around them, for a file.</summary>
    public static void CompareWhole(JsonObject file, Func<Random, string>? next = null) =>
        Compare(Load(file), file, next ?? MixedText.Next, FewOrAll, whole: true);

    /// <summary>Compares the ids of texts.</summary>
    public static void Compare(
        LanguageModelTokenizer tokenizer, JsonObject file, Func<Random, string> next, int count, bool whole = false)
    {
        using var rust = new RustTokenizer(file, whole);
        var differ = new ConcurrentBag<string>();
        Parallel.For(0, count, i =>
        {
            string text = next(new Random(i));
            int[] ids = whole ? tokenizer.EncodeWhole(text, recognizeSpecial: true) : tokenizer.Encode(text), expected = rust.Encode(text);
            // After a token that begins or ends a text, a text begins without its space here.
            bool hasInnerEnd = Array.Exists(
                ids[Math.Min(1, ids.Length)..], id => id == tokenizer.BeginOfTextId || id == tokenizer.EndOfTextId);
            if (!ids.AsSpan().SequenceEqual(expected))
                differ.Add($"{Written(text)}: {string.Join(' ', ids)} for {string.Join(' ', expected)}");
            else if (tokenizer.Decode(ids) is var decoded && !hasInnerEnd && decoded != rust.Decode(ids))
                differ.Add($"{Written(text)}: decoded {Written(decoded)} for {Written(rust.Decode(ids))}");
        });
        string shortest = string.Join('\n', differ.OrderBy(line => line.Length).Take(10));
        Assert.IsEmpty(differ, $"{differ.Count} of {count} texts differ:\n{shortest}");
    }

    private static string Written(string text) => JsonValue.Create(text).ToJsonString();
}
