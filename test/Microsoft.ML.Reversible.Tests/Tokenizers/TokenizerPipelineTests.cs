using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.ML.Reversible.Tokenizers;

namespace Microsoft.ML.Reversible.Tests.Tokenizers;

/// <summary>
/// Each part of tokenizer.json against huggingface/tokenizers: special tokens are found in the texts, and what the post-processor puts
/// around them is compared too.
/// </summary>
[TestClass]
public sealed class TokenizerPipelineTests
{
    private const string Around =
        """
        {"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}},
         {"SpecialToken":{"id":"</s>","type_id":0}}],"pair":[{"Sequence":{"id":"A","type_id":0}},{"Sequence":{"id":"B","type_id":0}}],
         "special_tokens":{"<s>":{"id":"<s>","ids":[1],"tokens":["<s>"]},"</s>":{"id":"</s>","ids":[2],"tokens":["</s>"]}}}
        """;

    private const string MetaspaceDecoder =
        """
        {"type":"Sequence","decoders":[{"type":"ByteFallback"},
         {"type":"Metaspace","replacement":"▁","prepend_scheme":"always","split":true}]}
        """;

    [TestMethod]
    [DataRow("gpt2-form")]
    [DataRow("gpt2-prefix-space-form")]
    [DataRow("llama3-form")]
    [DataRow("qwen2-form")]
    public void AFormOfTheFieldGivesItsGoldenIdsWithSpecialTokens(string form)
    {
        Assert.AreEqual("e\u0301", "e\u0301".Normalize(), "this process has no normalizer of its own");
        string folder = TestData.Require("reference-models/tokenizers/" + form);
        JsonNode golden = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "golden.json")))!;
        LanguageModelTokenizer tokenizer = LanguageModelTokenizer.Load(folder);
        foreach (JsonNode? row in golden["rows"]!.AsArray())
        {
            string text = (string)row!["text"]!;
            int[] ids = tokenizer.EncodeWhole(text, recognizeSpecial: true);
            CollectionAssert.AreEqual(row["ids"].Deserialize<int[]>(), ids, text);
            int[] inner = tokenizer.Encode(text, recognizeSpecial: true);
            CollectionAssert.AreEqual(row["ids_without_special"].Deserialize<int[]>(), inner, text);
        }
    }

    [TestMethod]
    [DataRow("""{"type":"NFC"}""")]
    [DataRow("""{"type":"NFD"}""")]
    [DataRow("""{"type":"Lowercase"}""")]
    [DataRow("""{"type":"Strip","strip_left":true,"strip_right":true}""")]
    [DataRow("""{"type":"Strip","strip_left":true,"strip_right":false}""")]
    [DataRow("""{"type":"Strip","strip_left":false,"strip_right":true}""")]
    [DataRow("""{"type":"Prepend","prepend":"_x"}""")]
    [DataRow("""{"type":"Replace","pattern":{"String":"a."},"content":"."}""")]
    [DataRow("""{"type":"Replace","pattern":{"String":" "},"content":"▁▁"}""")]
    [DataRow("""{"type":"Replace","pattern":{"Regex":"\\p{L}{2,}|\\s+"},"content":"$1"}""")]
    [DataRow(
        """
        {"type":"Sequence","normalizers":[{"type":"NFD"},{"type":"Lowercase"},{"type":"Replace","pattern":{"Regex":"\\p{M}"},"content":""},
         {"type":"Strip","strip_left":true,"strip_right":true},{"type":"NFC"}]}
        """)]
    public void ANormalizerGivesTheIdsOfTheRustTokenizers(string normalizer)
    {
        JsonObject file = ByteLevel();
        file["normalizer"] = JsonNode.Parse(normalizer);
        RustComparison.CompareWhole(file);
        JsonObject pieces = Metaspace("always", split: true);
        pieces["normalizer"] = JsonNode.Parse(normalizer);
        RustComparison.CompareWhole(pieces);
    }

    [TestMethod]
    public void LowercaseTreatsEveryCharacterAsTheRustTokenizersDo()
    {
        JsonObject file = ByteLevel();
        file["normalizer"] = JsonNode.Parse("""{"type":"Lowercase"}""");
        LanguageModelTokenizer tokenizer = RustComparison.Load(file);
        using var rust = new RustTokenizer(file, whole: true);
        var differ = new List<string>();
        for (int value = 0; value < 0x20000; value++)
            if (Rune.TryCreate(value, out Rune rune) && Rune.GetUnicodeCategory(rune) != UnicodeCategory.OtherNotAssigned
                && !rust.Encode(rune.ToString()).SequenceEqual(tokenizer.Encode(rune.ToString())))
                differ.Add($"U+{value:X4}");
        Assert.IsEmpty(differ, string.Join(' ', differ));
    }

    /// <summary>Characters that only one side's version of Unicode has, U+0897, U+1C89 and U+1C8A, are left out.</summary>
    [TestMethod]
    [DataRow(@"\p{Han}", 0x33000)]
    [DataRow(@"\w", 0x2E80)]
    [DataRow(@"[\w]", 0x2E80)]
    [DataRow(@"\d", 0x2E80)]
    [DataRow(@"\s", 0x10000)]
    public void ASetHasTheCharactersOfTheRustTokenizers(string set, int end)
    {
        JsonObject file = ByteLevel();
        file["normalizer"] = new JsonObject { ["type"] = "Replace", ["pattern"] = new JsonObject { ["Regex"] = set }, ["content"] = "" };
        LanguageModelTokenizer tokenizer = RustComparison.Load(file);
        using var rust = new RustTokenizer(file, whole: true);
        var differ = new List<string>();
        for (int value = 0x20; value < end; value++)
            if (value is not (0x897 or 0x1C89 or 0x1C8A) && Rune.TryCreate(value, out Rune rune)
                && !rust.Encode(rune.ToString()).SequenceEqual(tokenizer.Encode(rune.ToString())))
                differ.Add($"U+{value:X4}");
        Assert.IsEmpty(differ, string.Join(' ', differ));
    }

    /// <summary>Words, places and characters beyond U+FFFF, as in the files of DeepSeek and of older models.</summary>
    [TestMethod]
    [DataRow(@"\w+|[^\w\s]+")]
    [DataRow(@"\b\w|\W{3}|\B\d")]
    [DataRow(@"^\s+|\s+$|\A.|.\z")]
    [DataRow(@"\s?[A-Za-zµÀ-ÖØ-öø-ƺ𝐀-𝐙𐌰-𐌿𠀀-𪛟]+|\s?[!-/:-~！-／：-～‘-‟　-。]+|\s+$")]
    [DataRow(@"[^\p{Han}\P{L}]+|[\p{Han}]+|\P{Han}{1,2}|[\D]")]
    [DataRow(@"[!""#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|" +
        @"[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")]
    public void AnExpressionGivesTheIdsOfTheRustTokenizers(string expression)
    {
        JsonObject file = ByteLevel();
        file["pre_tokenizer"] = TokenizerJsonFiles.Split(expression);
        RustComparison.CompareWhole(file);
    }

    [TestMethod]
    [DataRow("""{"type":"Digits","individual_digits":false}""")]
    [DataRow("""{"type":"Punctuation","behavior":"Isolated"}""")]
    [DataRow("""{"type":"Punctuation","behavior":"Contiguous"}""")]
    [DataRow("""{"type":"WhitespaceSplit"}""")]
    [DataRow("""{"type":"Split","pattern":{"String":" "},"behavior":"MergedWithPrevious","invert":false}""")]
    [DataRow("""{"type":"Split","pattern":{"String":" "},"behavior":"MergedWithNext","invert":false}""")]
    [DataRow("""{"type":"Split","pattern":{"Regex":"\\s|a"},"behavior":"Removed","invert":false}""")]
    [DataRow("""{"type":"Split","pattern":{"Regex":"\\s|a"},"behavior":"Contiguous","invert":false}""")]
    [DataRow("""{"type":"Split","pattern":{"Regex":"\\p{L}+|\\p{N}"},"behavior":"Removed","invert":true}""")]
    [DataRow("""{"type":"Split","pattern":{"Regex":"\\p{L}|\\s"},"behavior":"MergedWithPrevious","invert":true}""")]
    [DataRow("""{"type":"Split","pattern":{"Regex":"\\p{L}|\\s"},"behavior":"MergedWithNext","invert":true}""")]
    [DataRow("""{"type":"Split","pattern":{"Regex":"\\p{L}|\\s"},"behavior":"Contiguous","invert":true}""")]
    public void APreTokenizerGivesTheIdsOfTheRustTokenizers(string cut)
    {
        JsonObject file = ByteLevel();
        file["pre_tokenizer"] = JsonNode.Parse(
            $$"""
            {"type":"Sequence","pretokenizers":[{{cut}},
             {"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true}]}
            """);
        RustComparison.CompareWhole(file);
        JsonObject pieces = Metaspace("first", split: true);
        pieces["pre_tokenizer"] = JsonNode.Parse(
            $$"""
            {"type":"Sequence","pretokenizers":[{{cut}},
             {"type":"Metaspace","replacement":"▁","prepend_scheme":"first","split":true}]}
            """);
        RustComparison.CompareWhole(pieces);
    }

    [TestMethod]
    [DataRow("always", true)]
    [DataRow("always", false)]
    [DataRow("first", true)]
    [DataRow("first", false)]
    [DataRow("never", true)]
    [DataRow("never", false)]
    public void MetaspaceGivesTheIdsOfTheRustTokenizers(string scheme, bool split)
    {
        JsonObject file = Metaspace(scheme, split);
        RustComparison.CompareWhole(file);
        RustComparison.CompareWhole(WithUnigram(file, byteFallback: true));
        file["model"]!["byte_fallback"] = false;
        foreach (bool fuses in (bool[])[true, false])
        {
            file["model"]!["fuse_unk"] = fuses;
            RustComparison.CompareWhole(file);
        }
        RustComparison.CompareWhole(WithUnigram(file, byteFallback: false));
    }

    /// <summary>Gemma's: spaces become U+2581 in the normalizer, and the pre-tokenizer looks for spaces, of which there are none.</summary>
    [TestMethod]
    public void GemmasFormGivesTheIdsOfTheRustTokenizers()
    {
        JsonObject file = Metaspace("never", split: false);
        file["normalizer"] = JsonNode.Parse("""{"type":"Replace","pattern":{"String":" "},"content":"▁"}""");
        file["pre_tokenizer"] =
            JsonNode.Parse("""{"type":"Split","pattern":{"String":" "},"behavior":"MergedWithPrevious","invert":false}""");
        file["decoder"] = JsonNode.Parse(
            """
            {"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"▁"},"content":" "},
             {"type":"ByteFallback"},{"type":"Fuse"}]}
            """);
        RustComparison.CompareWhole(file);
    }

    [TestMethod]
    public void IgnoredMergesGiveTheIdsOfTheRustTokenizers()
    {
        JsonObject file = Metaspace("always", split: true);
        file["model"]!["ignore_merges"] = true;
        file["model"]!["merges"]!.AsArray().Clear();
        RustComparison.CompareWhole(file);
    }

    [TestMethod]
    [DataRow(Around)]
    [DataRow("""{"type":"RobertaProcessing","sep":["</s>",2],"cls":["<s>",1],"trim_offsets":true,"add_prefix_space":true}""")]
    [DataRow("""{"type":"BertProcessing","sep":["</s>",2],"cls":["<s>",1]}""")]
    [DataRow("""{"type":"Sequence","processors":[{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true},""" + Around + "]}")]
    public void APostProcessorGivesTheIdsOfTheRustTokenizers(string processor)
    {
        JsonObject file = Metaspace("always", split: true);
        file["post_processor"] = JsonNode.Parse(processor);
        RustComparison.CompareWhole(file);
        RustComparison.CompareWhole(WithUnigram(file, byteFallback: false));
        int[] ids = RustComparison.Load(file).EncodeWhole("a");
        Assert.AreEqual((1, 2), (ids[0], ids[^1]));
    }

    [TestMethod]
    public void AUnigramFileWithoutBeginningPutsNothingBeforeAText()
    {
        JsonObject file = WithUnigram(Metaspace("always", split: true), byteFallback: false);
        file["post_processor"] = null;
        LanguageModelTokenizer tokenizer = RustComparison.Load(file);
        Assert.AreEqual((2, 2, 1), (tokenizer.EndOfTextId, tokenizer.BeginOfTextId, tokenizer.PrefixId));
    }

    [TestMethod]
    public void DifferentPartsAreDifferentTokenizers()
    {
        JsonObject file = Metaspace("always", split: true);
        string whole = RustComparison.Load(file).Hash;
        file["normalizer"] = JsonNode.Parse("""{"type":"Lowercase"}""");
        string lower = RustComparison.Load(file).Hash;
        string unigram = RustComparison.Load(WithUnigram(file, byteFallback: true)).Hash;
        Assert.HasCount(3, new[] { whole, lower, unigram }.Distinct());
    }

    private static JsonObject ByteLevel() =>
        JsonNode.Parse(File.ReadAllText(TestData.Require("reference-models/tokenizers/gpt2-form/tokenizer.json")))!.AsObject();

    /// <summary>A BPE of 512 tokens with byte fallback, which puts begin-of-text before a text.</summary>
    private static JsonObject Metaspace(string scheme, bool split)
    {
        JsonObject file = TokenizerJsonFiles.Llama(TestData.Require("stories260k/tok512.model"), pairs: false);
        foreach (JsonNode? token in file["added_tokens"]!.AsArray())
            foreach (string flag in (string[])["lstrip", "rstrip", "single_word"]) token![flag] = false;
        file["normalizer"] = null;
        file["pre_tokenizer"] = JsonNode.Parse(
            $$"""{"type":"Metaspace","replacement":"▁","prepend_scheme":"{{scheme}}","split":{{(split ? "true" : "false")}}}""");
        file["decoder"] = JsonNode.Parse(MetaspaceDecoder.Replace("always", scheme));
        file["post_processor"] = JsonNode.Parse(
            """
            {"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],
             "pair":[{"Sequence":{"id":"A","type_id":0}},{"Sequence":{"id":"B","type_id":0}}],
             "special_tokens":{"<s>":{"id":"<s>","ids":[1],"tokens":["<s>"]}}}
            """);
        return file;
    }

    /// <summary>The file with a Unigram model of the same tokens: longer ones are more probable than their parts.</summary>
    private static JsonObject WithUnigram(JsonObject file, bool byteFallback)
    {
        var changed = (JsonObject)file.DeepClone();
        var random = new Random(3);
        changed["model"] = new JsonObject
        {
            ["type"] = "Unigram", ["unk_id"] = 0, ["byte_fallback"] = byteFallback,
            ["vocab"] = new JsonArray([.. file["model"]!["vocab"]!.AsObject()
                .OrderBy(token => (int)token.Value!)
                .Select(token => new JsonArray(token.Key, Math.Round(-12 + 10 * random.NextDouble(), 2)))]),
        };
        return changed;
    }
}
