using System.Text.Json.Nodes;
using Microsoft.ML.Reversible.Tokenizers;

namespace Microsoft.ML.Reversible.Tests.Tokenizers;

/// <summary>Compares the ids of random texts with those of huggingface/tokenizers, for which tokenizer.json is made.</summary>
[TestClass]
public class RustComparisonTests
{
    private const int Count = 100_000;

    [TestMethod]
    [DataRow("gpt2-tokenizer/encoder.json")]
    [DataRow("gpt2-tokenizer/gpt2.tiktoken")]
    public void Gpt2sVocabularyGivesTheIdsOfTheRustTokenizers(string file) =>
        Compare(LanguageModelTokenizer.Load(TestData.Require(file)), TokenizerJsonFiles.Gpt2(), MixedText.Next);

    [TestMethod]
    public void SingleDigitsGiveTheIdsOfTheRustTokenizers()
    {
        JsonObject file = TokenizerJsonFiles.Gpt2();
        file["pre_tokenizer"] = JsonNode.Parse(
            """
            {"type":"Sequence","pretokenizers":[{"type":"Digits","individual_digits":true},
             {"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true}]}
            """);
        Compare(Load(file), file, MixedText.Next);
    }

    [TestMethod]
    public void MetaspaceGivesTheIdsOfTheRustTokenizers()
    {
        JsonObject file = TokenizerJsonFiles.Llama(TestData.Require("stories260k/tok512.model"), pairs: false);
        file["normalizer"] = null;
        file["pre_tokenizer"] = JsonNode.Parse("""{"type":"Metaspace","replacement":"▁","prepend_scheme":"first","split":false}""");
        Compare(Load(file), file, MixedText.Next);
    }

    /// <summary>The Rust tokenizers take UTF-8, which has no half of a surrogate pair: it is U+FFFD there.</summary>
    [TestMethod]
    public void HalfSurrogatePairsGetTheIdsThatTheReplacementCharacterHas()
    {
        LanguageModelTokenizer tokenizer = LanguageModelTokenizer.Load(TestData.Require("gpt2-tokenizer/encoder.json"));
        using var rust = new RustTokenizer(TokenizerJsonFiles.Gpt2());
        var random = new Random(3);
        for (int i = 0; i < 2000; i++)
        {
            string text = MixedText.Next(random);
            string broken = text.Insert(random.Next(text.Length + 1), ((char)random.Next(0xD800, 0xE000)).ToString());

            CollectionAssert.AreEqual(rust.Encode(string.Concat(broken.EnumerateRunes())), tokenizer.Encode(broken));
        }
    }

    [TestMethod]
    [DataRow("llama-tokenizer/tokenizer.model")]
    [DataRow("stories260k/tok512.model")]
    public void ASentencePieceVocabularyGivesTheIdsOfTheRustTokenizers(string file)
    {
        string path = TestData.Require(file);
        JsonObject json = TokenizerJsonFiles.Llama(path, pairs: true);
        if (SentencePieceFile.Read(File.ReadAllBytes(path), path).RemovesExtraSpaces) RemoveExtraSpaces(json);
        Compare(LanguageModelTokenizer.Load(path), json, MixedText.Next);
    }

    [TestMethod]
    public void AVocabularyWithoutAllBytesGivesTheIdsOfTheRustTokenizers()
    {
        string folder = TestData.Require("tiny-gpt2-random");
        var vocabulary = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "vocab.json")))!;
        string[] merges = [.. File.ReadLines(Path.Combine(folder, "merges.txt")).Skip(1).Where(line => line.Length > 0)];
        Compare(LanguageModelTokenizer.Load(folder), TokenizerJsonFiles.ByteLevel(vocabulary, merges, 20), Letters);

        static string Letters(Random random) => string.Concat(MixedText.Next(random).Select(c => "  lowerstidn"[c % 12]));
    }

    [TestMethod]
    [DataRow("gpt2-form")]
    [DataRow("gpt2-prefix-space-form")]
    [DataRow("llama3-form")]
    [DataRow("qwen2-form")]
    public void AnotherFormGivesTheIdsOfTheRustTokenizers(string form)
    {
        string folder = TestData.Require("reference-models/tokenizers/" + form);
        JsonObject file = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "tokenizer.json")))!.AsObject();
        Compare(LanguageModelTokenizer.Load(folder), file, MixedText.Next);
    }

    /// <summary>The expressions of cl100k (GPT-4) and o200k (GPT-4o), with possessive quantifiers and categories of letters.</summary>
    [TestMethod]
    [DataRow(@"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+")]
    [DataRow(@"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|" +
        @"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|" +
        @"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")]
    [DataRow(@"[A-Z]?[a-z]+|(?<=[a-z])(?=\p{N})|\d+?|.")]
    public void AnotherExpressionGivesTheIdsOfTheRustTokenizers(string expression)
    {
        string folder = TestData.Require("reference-models/tokenizers/gpt2-form");
        JsonObject file = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "tokenizer.json")))!.AsObject();
        file["pre_tokenizer"] = TokenizerJsonFiles.Split(expression);
        Compare(Load(file), file, MixedText.Next);
    }

    [TestMethod]
    public void MergesThatScoresWouldNotGiveGiveTheIdsOfTheRustTokenizers()
    {
        JsonObject file = TokenizerJsonFiles.Llama(TestData.Require("stories260k/tok512.model"), pairs: false);
        JsonArray merges = file["model"]!["merges"]!.AsArray();
        JsonNode[] shuffled = [.. merges.Select(merge => merge!.DeepClone())];
        new Random(6).Shuffle(shuffled);
        merges.Clear();
        foreach (JsonNode merge in shuffled.Skip(100)) merges.Add(merge);
        Compare(Load(file), file, MixedText.Next);
    }

    private static LanguageModelTokenizer Load(JsonObject file) => RustComparison.Load(file);

    /// <summary>What SentencePiece does to spaces, which the converters to tokenizer.json leave out for Llama.</summary>
    private static void RemoveExtraSpaces(JsonObject file)
    {
        JsonArray normalizers = file["normalizer"]!["normalizers"]!.AsArray();
        normalizers.Insert(0, JsonNode.Parse("""{"type":"Replace","pattern":{"Regex":" {2,}"},"content":" "}"""));
        normalizers.Insert(0, JsonNode.Parse("""{"type":"Replace","pattern":{"Regex":"\\A +| +\\z"},"content":""}"""));
    }

    private static void Compare(LanguageModelTokenizer tokenizer, JsonObject file, Func<Random, string> next) =>
        RustComparison.Compare(tokenizer, file, next, Count);
}
