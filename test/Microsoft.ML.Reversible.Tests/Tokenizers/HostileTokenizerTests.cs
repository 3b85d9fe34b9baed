using System.Text;
using System.Text.Json.Nodes;
using Microsoft.ML.Reversible.Tokenizers;

namespace Microsoft.ML.Reversible.Tests.Tokenizers;

[TestClass]
public class HostileTokenizerTests
{
    private const string ByteLevel =
        """
        {"added_tokens":[{"id":3,"content":"<|endoftext|>","special":true}],"normalizer":null,
         "pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"use_regex":true},
         "model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2,"<|endoftext|>":3},"merges":["a b"]}}
        """;

    private const string AfterText =
        """
         "normalizer":null,"post_processor":{"type":"TemplateProcessing","single":[
          {"Sequence":{"id":"A"}},{"SpecialToken":{"id":"a"}}]}
        """;

    private const string SeveralBefore =
        """
         "normalizer":null,"post_processor":{"type":"TemplateProcessing","single":[
          {"SpecialToken":{"id":"a"}},{"SpecialToken":{"id":"b"}},{"Sequence":{"id":"A"}}]}
        """;

    private const string Unigram =
        """
        {"added_tokens":[{"id":0,"content":"</s>","special":true},{"id":1,"content":"<unk>","special":true}],
         "normalizer":{"type":"Sequence","normalizers":[{"type":"Replace","pattern":{"Regex":" {2,}"},"content":"▁"},
          {"type":"Lowercase"},{"type":"Prepend","prepend":"a"}]},
         "pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"WhitespaceSplit"},{"type":"Metaspace","replacement":"▁"}]},
         "post_processor":{"type":"TemplateProcessing","single":[{"Sequence":{"id":"A"}},{"SpecialToken":{"id":"</s>"}}],
          "special_tokens":{"</s>":{"id":"</s>","ids":[0],"tokens":["</s>"]}}},
         "decoder":{"type":"Metaspace","replacement":"▁"},
         "model":{"type":"Unigram","unk_id":1,"vocab":[["</s>",0],["<unk>",0],["▁",-2],["a",-1.5],["▁a",-1e1]]}}
        """;

    private DirectoryInfo _folder = null!;

    [TestInitialize]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("reversible-tests-");

    [TestCleanup]
    public void DeleteFolder() => _folder.Delete(recursive: true);

    [TestMethod]
    public void TheUnchangedFileLoads()
    {
        LanguageModelTokenizer tokenizer = Load("tokenizer.json", ByteLevel);

        CollectionAssert.AreEqual(new[] { 2, 0 }, tokenizer.Encode("aba"));
        Assert.AreEqual((4, 3, 3), (tokenizer.VocabularySize, tokenizer.EndOfTextId, tokenizer.BeginOfTextId));
    }

    [TestMethod]
    public void NoTextEndsADocumentEvenIfTheEndIsNotASpecialToken()
    {
        string named = ByteLevel.Replace("<|endoftext|>", "ba").Replace("\"special\":true", "\"special\":false");
        File.WriteAllText(Path.Combine(_folder.FullName, "tokenizer_config.json"), """{"eos_token":"ba"}""");

        CollectionAssert.AreEqual(new[] { 1, 0 }, Load("tokenizer.json", named).Encode("ba"));
    }

    [TestMethod]
    public void AnAddedTokenMayAlsoComeFromMerges()
    {
        const string more = "\"special\":true},{\"id\":2,\"content\":\"ab\",\"special\":false}]";

        CollectionAssert.AreEqual(new[] { 0, 2, 1 }, Load("tokenizer.json", ByteLevel.Replace("\"special\":true}]", more)).Encode("aabb"));
    }

    [TestMethod]
    [DataRow("\"BPE\"", "\"WordPiece\"", "of the type WordPiece")]
    [DataRow("\"BPE\"", "\"WordLevel\"", "of the type WordLevel")]
    [DataRow("\"normalizer\":null", """ "normalizer":{"type":"NFKC"} """, "normalizes text by NFKC")]
    [DataRow("\"normalizer\":null", """ "normalizer":{"type":"Precompiled","precompiled_charsmap":"AAAA"} """, "by Precompiled")]
    [DataRow("\"normalizer\":null", """ "normalizer":{"type":"Sequence","normalizers":[{"type":"Nmt"}]} """, "by Nmt")]
    [DataRow("\"normalizer\":null", """ "normalizer":null,"decoder":{"type":"WordPiece"} """, "decoder is WordPiece")]
    [DataRow("\"normalizer\":null", """ "normalizer":null,"post_processor":{"type":"X"} """, "post_processor is X")]
    [DataRow("\"normalizer\":null", AfterText, "puts 'a' after a text")]
    [DataRow("\"normalizer\":null", SeveralBefore, "several tokens before")]
    [DataRow("\"normalizer\":null", """ "normalizer":{"type":"Replace","pattern":{"Regex":"(?<x>a)"},"content":""} """, "'(?<x'")]
    [DataRow("\"ByteLevel\"", "\"Whitespace\"", "cuts text by Whitespace")]
    [DataRow("\"add_prefix_space\":false,", "", "lacks add_prefix_space")]
    [DataRow("\"use_regex\":true", "\"use_regex\":false", "does not cut text")]
    [DataRow("\"type\":\"BPE\",", "\"type\":\"BPE\",\"dropout\":0.5,", "dropout")]
    [DataRow("\"type\":\"BPE\",", "\"type\":\"BPE\",\"end_of_word_suffix\":\"</w>\",", "end_of_word_suffix")]
    [DataRow("\"type\":\"BPE\",", "\"type\":\"BPE\",\"byte_fallback\":true,", "both ByteLevel and byte_fallback")]
    public void AnotherFormIsRefusedWithAReason(string good, string bad, string reason) => AssertRefused(good, bad, reason);

    [TestMethod]
    [DataRow("\"normalizer\":null", """ "normalizer":{"type":"Replace","content":"x"} """, "lacks a pattern")]
    [DataRow("\"normalizer\":null", """ "normalizer":{"type":"Prepend"} """, "lacks a text prepend")]
    [DataRow("\"normalizer\":null", """ "normalizer":null,"post_processor":{"type":"BertProcessing","sep":[],"cls":["a",0]} """, "the sep")]
    [DataRow("\"model\"", "\"modell\"", "no model")]
    [DataRow("\"vocab\"", "\"vocabulary\"", "no vocab")]
    [DataRow("\"merges\":[\"a b\"]", "\"merges\":7", "no list of merges")]
    [DataRow("\"a b\"", "\"a b c\"", "two tokens")]
    [DataRow("\"a b\"", "[\"a\",7]", "two tokens")]
    [DataRow("\"a b\"", "\"a c\"", "needs the token 'c'")]
    [DataRow("\"a b\"", "\"a b\",\"a b\"", "twice")]
    [DataRow("\"ab\":2", "\"ab\":1", "both have the id 1")]
    [DataRow("\"ab\":2", "\"ab\":-2", "-2")]
    [DataRow("\"ab\":2", "\"ab\":2000000000", "the id 2000000000")]
    [DataRow("\"ab\":2", "\"ab\":2.5", "whole number")]
    [DataRow("\"ab\":2", "\"a\":2", "twice")]
    [DataRow("\"ab\":2", "\"a b\":2", "byte alphabet")]
    [DataRow("\"special\":true}]", "\"special\":true},{\"id\":2,\"content\":\"ab\",\"special\":true}]", "makes a special token")]
    [DataRow("\"ab\":2", "\"\\ud800\":2", "broken")]
    [DataRow("\"id\":3", "\"id\":2", "both have the id 2")]
    [DataRow("\"id\":3", "\"id\":-3", "must have an id")]
    [DataRow("\"content\":\"<|endoftext|>\"", "\"content\":\"\\udc00\"", "broken")]
    [DataRow("<|endoftext|>", "<|end|>", "lacks the token")]
    public void AMalformedFileIsNamedWithWhatIsWrong(string good, string bad, string reason) => AssertRefused(good, bad, reason);

    [TestMethod]
    [DataRow("\"unk_id\":1,", "", "no unk_id")]
    [DataRow("\"unk_id\":1,", "\"unk_id\":9,", "no unk_id")]
    [DataRow("[\"a\",-1.5]", "[\"a\"]", "not a token with its score")]
    [DataRow("[\"a\",-1.5]", "[\"▁\",-1.5]", "twice")]
    [DataRow("-1.5", "-1e999", "not a token with its score")]
    [DataRow("\"unk_id\":1,", "\"unk_id\":1,\"byte_fallback\":true,", "no byte fallback")]
    [DataRow("\"decoder\":{\"type\":\"Metaspace\"", "\"decoder\":{\"type\":\"CTC\"", "has CTC")]
    [DataRow("\"ids\":[0]", "\"ids\":[70]", "the id 70")]
    [DataRow("{\"type\":\"WhitespaceSplit\"}", "{\"type\":\"BertPreTokenizer\"}", "cuts text by BertPreTokenizer")]
    public void AUnigramFileIsRefusedWithAReason(string good, string bad, string reason)
    {
        CollectionAssert.AreEqual(new[] { 2, 3, 3, 2, 1, 2, 3 }, Load("tokenizer.json", Unigram).Encode("A x a"));
        StringAssert.Contains(Unigram, good);
        var e = Assert.ThrowsExactly<InvalidDataException>(() => Load("tokenizer.json", Unigram.Replace(good, bad)));
        StringAssert.Contains(e.Message, "tokenizer.json");
        StringAssert.Contains(e.Message, reason);
    }

    [TestMethod]
    public void ANormalizerThatMakesATextMuchLongerIsStopped()
    {
        const string twice = """{"type":"Replace","pattern":{"String":"a"},"content":"aa"}""";
        string many = string.Join(',', Enumerable.Repeat(twice, 40));
        string normalizer = $$""" "normalizer":{"type":"Sequence","normalizers":[{{many}}]} """;
        LanguageModelTokenizer tokenizer = Load("tokenizer.json", ByteLevel.Replace("\"normalizer\":null", normalizer));
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => tokenizer.Encode("aaa")).Message, "64 times as long");
    }

    [TestMethod]
    [DataRow("tokenizer.json")]
    [DataRow("tokenizer.model")]
    [DataRow("x.tiktoken")]
    [DataRow("vocab.json")]
    public void AnyBytesAreRefused(string name)
    {
        File.WriteAllText(Path.Combine(_folder.FullName, "merges.txt"), "");
        var random = new Random(1);
        foreach (int length in new[] { 0, 1, 2, 7, 100, 5000 })
        {
            var bytes = new byte[length];
            random.NextBytes(bytes);
            File.WriteAllBytes(Path.Combine(_folder.FullName, name), bytes);
            var e = Assert.ThrowsExactly<InvalidDataException>(
                () => LanguageModelTokenizer.Load(Path.Combine(_folder.FullName, name)));
            StringAssert.Contains(e.Message, name);
        }
    }

    [TestMethod]
    [DataRow("byte", "by\u00fate")]
    [DataRow("bos_token", "bos\\ud800token")]
    public void JsonWithABrokenTextIsRefusedByName(string good, string broken)
    {
        LanguageModelTokenizer.Learn([], TextTokenization.Byte, 0).Save(_folder.FullName);
        string path = Path.Combine(_folder.FullName, "tokenizer_config.json");
        File.WriteAllText(path, File.ReadAllText(path).Replace(good, broken), Encoding.Latin1);
        var e = Assert.ThrowsExactly<InvalidDataException>(() => LanguageModelTokenizer.Load(_folder.FullName));
        StringAssert.Contains(e.Message, "tokenizer_config.json");
    }

    [TestMethod]
    public void DeepJsonIsRefused() =>
        Assert.ThrowsExactly<InvalidDataException>(() => Load("tokenizer.json", new string('[', 1_000_000)));

    [TestMethod]
    [DataRow("YQ== 0\n\nYg== 1\nYWI= 2\n", null)]
    [DataRow("\ufeffYQ== 0\r\n \nYg== 1 \r\nYWI= 2", null)]
    [DataRow("YQ== 0\nYQ== 1\n", "twice")]
    [DataRow("YQ== 0\nYg== 0\n", "line 2")]
    [DataRow("YQ== 0\nYg== 5\n", "the rank 5")]
    [DataRow("YQ== 0\nYg==\n", "line 2")]
    [DataRow("YQ== 0\n!!!! 1\n", "line 2")]
    [DataRow("YQ== 0\nYg== 1\nYWJhYg== 2\n", "does not come from merging")]
    [DataRow("YQ== 0\nKA== 1\nKGE= 2\n", "cuts text")]
    public void ATiktokenFileIsCheckedLineByLine(string content, string? reason)
    {
        if (reason is null)
            CollectionAssert.AreEqual(new[] { 2, 0 }, Load("x.tiktoken", content).Encode("aba"));
        else
            StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => Load("x.tiktoken", content)).Message, reason);
    }

    /// <summary>Such a list of merges is applied in its own order; RustComparisonTests compares the ids.</summary>
    [TestMethod]
    public void MergesThatScoresWouldNotGiveAreAnotherTokenizer()
    {
        JsonObject file = TokenizerJsonFiles.Llama(TestData.Require("stories260k/tok512.model"), pairs: false);
        string whole = Load("tokenizer.json", file.ToJsonString()).Hash;
        JsonArray merges = file["model"]!["merges"]!.AsArray();
        JsonNode first = merges[0]!;
        merges.RemoveAt(0);
        string shorter = Load("tokenizer.json", file.ToJsonString()).Hash;
        merges.Add(first);

        LanguageModelTokenizer later = Load("tokenizer.json", file.ToJsonString());

        Assert.HasCount(3, new[] { whole, shorter, later.Hash }.Distinct());
        Assert.AreEqual("the tree", later.Decode(later.Encode("the tree")));
    }

    [TestMethod]
    [DataRow("llama3-form")]
    [DataRow("qwen2-form")]
    public void LongRunsAreCutByTheExpressionsOfTheFieldInLittleTime(string form)
    {
        LanguageModelTokenizer tokenizer = LanguageModelTokenizer.Load(TestData.Require("reference-models/tokenizers/" + form));
        var watch = System.Diagnostics.Stopwatch.StartNew();
        foreach (string unit in new[] { "a", "A", "7", " ", "\n", " \n", "!", "'", "𝔸", "\uFB01", "a ", "\u0323\u0301", "x\u0301" })
        {
            string text = "b" + string.Concat(Enumerable.Repeat(unit, 200_000 / unit.Length)) + "c";

            Assert.AreEqual(form == "qwen2-form" ? FormC.Normalize(text) : text, tokenizer.Decode(tokenizer.Encode(text)));
        }
        Assert.IsLessThan(120, watch.Elapsed.TotalSeconds);
    }

    [TestMethod]
    public void AMutatedFileLoadsOrIsRefused()
    {
        int rounds = Environment.GetEnvironmentVariable("REVERSIBLE_FULL") == "1" ? 10_000 : 150;
        var random = new Random(4);
        byte[] model = File.ReadAllBytes(TestData.Require("stories260k/tok512.model"));
        byte[] llama = Encoding.UTF8.GetBytes(TokenizerJsonFiles.Llama(TestData.Require("stories260k/tok512.model"), true).ToJsonString());
        byte[] tiktoken = [.. File.ReadAllBytes(TestData.Require("gpt2-tokenizer/gpt2.tiktoken")).Take(4000)];
        (string, byte[])[] files =
        [
            ("tokenizer.model", model), ("tokenizer.json", llama), ("tokenizer.json", Encoding.UTF8.GetBytes(ByteLevel)),
            ("x.tiktoken", tiktoken),
            ("tokenizer.json", Encoding.UTF8.GetBytes(TokenizerJsonFiles.SmallSplit)),
            ("tokenizer.json", Encoding.UTF8.GetBytes(Unigram)),
        ];
        int loaded = 0;
        foreach ((string name, byte[] good) in files)
            for (int round = 0; round < rounds; round++)
            {
                string path = Path.Combine(_folder.FullName, name);
                File.WriteAllBytes(path, Mutated(good, random));
                try
                {
                    LanguageModelTokenizer tokenizer = LanguageModelTokenizer.Load(path);
                    loaded++;
                    int[] ids = tokenizer.Encode("a");
                    Assert.IsTrue(ids.All(id => (uint)id < (uint)tokenizer.VocabularySize));
                    tokenizer.Decode(ids);
                }
                catch (InvalidDataException e)
                {
                    StringAssert.Contains(e.Message, name);
                }
                catch (ArgumentException e)
                {
                    StringAssert.Contains(e.Message, "which the vocabulary lacks");
                }
            }
        Assert.IsTrue(loaded > rounds / 10, "some mutations leave a file good");
    }

    private static byte[] Mutated(byte[] good, Random random)
    {
        byte[] bytes = random.Next(5) == 0 ? good[..random.Next(good.Length)] : [.. good];
        for (int count = random.Next(4); count >= 0 && bytes.Length > 0; count--)
            bytes[random.Next(bytes.Length)] = random.Next(2) == 0 ? (byte)random.Next(256) : bytes[random.Next(bytes.Length)];
        return bytes;
    }

    private void AssertRefused(string good, string bad, string reason)
    {
        StringAssert.Contains(ByteLevel, good);
        var e = Assert.ThrowsExactly<InvalidDataException>(() => Load("tokenizer.json", ByteLevel.Replace(good, bad)));
        StringAssert.Contains(e.Message, "tokenizer.json");
        StringAssert.Contains(e.Message, reason);
    }

    private LanguageModelTokenizer Load(string name, string content)
    {
        File.WriteAllText(Path.Combine(_folder.FullName, name), content);
        return LanguageModelTokenizer.Load(Path.Combine(_folder.FullName, name));
    }
}
