using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.ML.Reversible.Tokenizers;

namespace Microsoft.ML.Reversible.Tests.Tokenizers;

[TestClass]
public class TokenizerFormsTests
{
    private DirectoryInfo _folder = null!;

    [TestInitialize]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("reversible-tests-");

    [TestCleanup]
    public void DeleteFolder() => _folder.Delete(recursive: true);

    [TestMethod]
    public void AllFormsOfGpt2sVocabularyGiveTheSameIdsAndTheSameHash()
    {
        LanguageModelTokenizer openAi = LanguageModelTokenizer.Load(TestData.Require("gpt2-tokenizer/encoder.json"));
        LanguageModelTokenizer[] others =
        [
            LanguageModelTokenizer.Load(TestData.Require("gpt2-tokenizer/gpt2.tiktoken")),
            LanguageModelTokenizer.Load(TestData.Require("gpt2-tokenizer/vocab.bpe")),
            LanguageModelTokenizer.Load(TestData.Require("gpt2-tokenizer")),
        ];
        WriteJson(TokenizerJsonFiles.Gpt2());
        LanguageModelTokenizer json = LanguageModelTokenizer.Load(_folder.FullName);

        string[] texts = [.. TokenizerSamples.All, string.Concat(Enumerable.Repeat("Hello world ", 90_000)), new string('a', 1_000_000)];
        foreach (string text in texts)
        {
            int[] expected = openAi.Encode(text);
            Assert.AreEqual(text, openAi.Decode(expected));
            foreach (LanguageModelTokenizer other in others.Append(json)) CollectionAssert.AreEqual(expected, other.Encode(text));
        }
        CollectionAssert.AreEqual(new[] { 15496, 995 }, openAi.Encode("Hello world"));
        foreach (LanguageModelTokenizer other in others) Assert.AreEqual(openAi.Hash, other.Hash);
        foreach (LanguageModelTokenizer other in others.Append(json))
            Assert.AreEqual((50257, 50256, 50256), (other.VocabularySize, other.EndOfTextId, other.BeginOfTextId));
    }

    /// <summary>Compares with the ids of huggingface/tokenizers, except that the text of a special token is ordinary text here.</summary>
    [TestMethod]
    [DataRow("gpt2-form")]
    [DataRow("gpt2-prefix-space-form")]
    [DataRow("llama3-form")]
    [DataRow("qwen2-form")]
    public void AFormOfTheFieldGivesItsGoldenIds(string form)
    {
        string folder = TestData.Require("reference-models/tokenizers/" + form);
        JsonNode file = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "tokenizer.json")))!;
        string[] marks = [.. file["added_tokens"]!.AsArray().Select(token => (string)token!["content"]!)];
        JsonNode golden = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "golden.json")))!;
        LanguageModelTokenizer tokenizer = LanguageModelTokenizer.Load(folder);
        int compared = 0;
        foreach (JsonNode? row in golden["rows"]!.AsArray())
        {
            string text = (string)row!["text"]!;
            if (Array.Exists(marks, text.Contains)) continue;
            int[] ids = tokenizer.Encode(text);
            CollectionAssert.AreEqual(row["ids_without_special"].Deserialize<int[]>(), ids, text);
            Assert.AreEqual((string)row["decoded"]!, tokenizer.Decode(ids));
            compared++;
        }
        Assert.IsGreaterThan(100, compared);
        _folder.Delete(recursive: true);
        _folder.Create();
        tokenizer.Save(_folder.FullName);
        Assert.AreEqual(tokenizer.Hash, LanguageModelTokenizer.Load(_folder.FullName).Hash);
    }

    [TestMethod]
    public void APieceThatIsATokenIsNotMergedWhereTheFileSaysSo()
    {
        JsonObject file = TokenizerJsonFiles.Gpt2();
        file["model"]!["merges"] = new JsonArray();
        file["model"]!["ignore_merges"] = true;
        WriteJson(file);

        LanguageModelTokenizer tokenizer = LanguageModelTokenizer.Load(_folder.FullName);

        CollectionAssert.AreEqual(new[] { 15496, 995, 220, 87, 80, 89 }, tokenizer.Encode("Hello world xqz"));
        CollectionAssert.DoesNotContain(tokenizer.Encode("<|endoftext|>"), 50256);
    }

    [TestMethod]
    public void EveryStretchBetweenAddedTokensGetsItsSpace()
    {
        JsonObject file = TokenizerJsonFiles.Gpt2();
        file["added_tokens"]!.AsArray().Add(JsonNode.Parse("""{"id":50257,"content":"<tool>","special":false}"""));
        file["pre_tokenizer"]!["add_prefix_space"] = true;
        WriteJson(file);

        LanguageModelTokenizer tokenizer = LanguageModelTokenizer.Load(_folder.FullName);

        CollectionAssert.AreEqual(new[] { 18435, 50257, 995 }, tokenizer.Encode("Hello<tool>world"));
        CollectionAssert.AreEqual(new[] { 18435, 995 }, tokenizer.Encode(" Hello world"));
        Assert.AreEqual(" Hello<tool> world", tokenizer.Decode([18435, 50257, 995]));
    }

    [TestMethod]
    public void AnExpressionThatIsNotReadIsNamed()
    {
        JsonObject file = TokenizerJsonFiles.Gpt2();
        file["pre_tokenizer"] = TokenizerJsonFiles.Split(@"\p{Greek}+|\s+");
        WriteJson(file);

        var e = Assert.ThrowsExactly<InvalidDataException>(() => LanguageModelTokenizer.Load(_folder.FullName));

        StringAssert.Contains(e.Message, @"'\p{Greek}+|\s+': it has '\p{Greek}', which is not supported");
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void TheJsonFormOfASentencePieceVocabularyGivesTheSameIds(bool pairs)
    {
        LanguageModelTokenizer model = LanguageModelTokenizer.Load(TestData.Require("llama-tokenizer/tokenizer.model"));
        WriteJson(TokenizerJsonFiles.Llama(TestData.Require("llama-tokenizer/tokenizer.model"), pairs));

        LanguageModelTokenizer json = LanguageModelTokenizer.Load(_folder.FullName);

        var random = new Random(8);
        foreach (string text in TokenizerSamples.All.Concat(Enumerable.Range(0, 100).Select(_ => RandomText.Next(random, 60))))
            CollectionAssert.AreEqual(model.Encode(text), json.Encode(text), text);
        Assert.AreEqual(
            (model.VocabularySize, model.EndOfTextId, model.BeginOfTextId), (json.VocabularySize, json.EndOfTextId, json.BeginOfTextId));
    }

    [TestMethod]
    public void MetaspacePutsNoSpaceBeforeASpace()
    {
        JsonObject file = TokenizerJsonFiles.Llama(TestData.Require("llama-tokenizer/tokenizer.model"), pairs: false);
        file["normalizer"] = null;
        file["pre_tokenizer"] = JsonNode.Parse("""{"type":"Metaspace","replacement":"▁","prepend_scheme":"first","split":false}""");
        WriteJson(file);

        LanguageModelTokenizer tokenizer = LanguageModelTokenizer.Load(_folder.FullName);

        CollectionAssert.AreEqual(new[] { 15043 }, tokenizer.Encode("Hello"));
        CollectionAssert.AreEqual(new[] { 15043 }, tokenizer.Encode(" Hello"));
    }

    [TestMethod]
    public void SingleDigitsArePiecesWhereTheFileAsksForIt()
    {
        JsonObject file = TokenizerJsonFiles.Gpt2();
        file["pre_tokenizer"] = JsonNode.Parse(
            """
            {"type":"Sequence","pretokenizers":[{"type":"Digits","individual_digits":true},
             {"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true}]}
            """);
        WriteJson(file);

        LanguageModelTokenizer tokenizer = LanguageModelTokenizer.Load(_folder.FullName);

        CollectionAssert.AreEqual(new[] { 64, 220, 16, 17, 275 }, tokenizer.Encode("a 12 b"));
        Assert.AreEqual("½ 3rd: ٣4\n", tokenizer.Decode(tokenizer.Encode("½ 3rd: ٣4\n")));
    }

    [TestMethod]
    public void AddedTokensAreFoundInTextUnlessTheyAreSpecial()
    {
        JsonObject file = TokenizerJsonFiles.Gpt2();
        file["added_tokens"]!.AsArray().Add(JsonNode.Parse("""{"id":50257,"content":"    ","special":false}"""));
        file["added_tokens"]!.AsArray().Add(JsonNode.Parse("""{"id":50258,"content":"<|im_start|>","special":true}"""));
        WriteJson(file);

        LanguageModelTokenizer tokenizer = LanguageModelTokenizer.Load(_folder.FullName);
        int[] ids = tokenizer.Encode("a    b <|im_start|>");

        Assert.AreEqual(50259, tokenizer.VocabularySize);
        CollectionAssert.AreEqual(new[] { 64, 50257, 65 }, ids[..3]);
        Assert.IsFalse(ids.Contains(50258));
        Assert.AreEqual("a    b <|im_start|>", tokenizer.Decode([.. ids, 50258]));
        Assert.AreEqual(19, tokenizer.CountBytes([.. ids, 50258]));
    }

    [TestMethod]
    public void TheBeginningComesFromConfigurationOrTemplate()
    {
        JsonObject file = TokenizerJsonFiles.Gpt2();
        file["added_tokens"]!.AsArray().Add(JsonNode.Parse("""{"id":50257,"content":"<|begin|>","special":true}"""));
        WriteJson(file);
        File.WriteAllText(Path.Combine(_folder.FullName, "tokenizer_config.json"), """{"bos_token":"<|begin|>","add_bos_token":true}""");
        Assert.AreEqual(50257, LanguageModelTokenizer.Load(_folder.FullName).BeginOfTextId);

        File.WriteAllText(Path.Combine(_folder.FullName, "tokenizer_config.json"), """{"bos_token":"<|begin|>"}""");
        Assert.AreEqual(50256, LanguageModelTokenizer.Load(_folder.FullName).BeginOfTextId);
        Assert.AreEqual(50257, LanguageModelTokenizer.Load(_folder.FullName, beginOfTextId: 50257).BeginOfTextId);

        file["post_processor"] = JsonNode.Parse(
            """{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<|begin|>","type_id":0}},{"Sequence":{"id":"A"}}]}""");
        WriteJson(file);
        Assert.AreEqual(50257, LanguageModelTokenizer.Load(_folder.FullName).BeginOfTextId);
    }

    [TestMethod]
    public void TheFilesComeBackAsTheyWere()
    {
        string target = Path.Combine(_folder.FullName, "saved");
        foreach ((string source, string[] names) in new (string, string[])[]
        {
            ("llama-tokenizer/tokenizer.model", ["tokenizer.model"]), ("gpt2-tokenizer/encoder.json", ["vocab.json", "merges.txt"]),
        })
        {
            LanguageModelTokenizer tokenizer = LanguageModelTokenizer.Load(TestData.Require(source));
            Directory.CreateDirectory(target);
            Assert.IsTrue(tokenizer.CanSave);
            tokenizer.Save(target);

            CollectionAssert.AreEqual(File.ReadAllBytes(TestData.Require(source)), File.ReadAllBytes(Path.Combine(target, names[0])));
            foreach (string name in names) Assert.IsTrue(File.Exists(Path.Combine(target, name)));
            AssertSame(tokenizer, LanguageModelTokenizer.Load(target));
            Directory.Delete(target, recursive: true);
        }
    }

    [TestMethod]
    public void TheTiktokenFormIsSavedAsHuggingFaces()
    {
        LanguageModelTokenizer tokenizer = LanguageModelTokenizer.Load(TestData.Require("gpt2-tokenizer/gpt2.tiktoken"));

        tokenizer.Save(_folder.FullName);

        AssertSame(tokenizer, LanguageModelTokenizer.Load(_folder.FullName));
        Assert.IsTrue(File.Exists(Path.Combine(_folder.FullName, "vocab.json")));
    }

    [TestMethod]
    public void TheJsonFormIsSavedWithItsConfiguration()
    {
        WriteJson(TokenizerJsonFiles.Llama(TestData.Require("stories260k/tok512.model"), pairs: true));
        const string configuration = """{"eos_token":"</s>","bos_token":"<s>","add_bos_token":false}""";
        File.WriteAllText(Path.Combine(_folder.FullName, "tokenizer_config.json"), configuration);
        LanguageModelTokenizer tokenizer = LanguageModelTokenizer.Load(_folder.FullName);
        DirectoryInfo target = _folder.CreateSubdirectory("saved");

        tokenizer.Save(target.FullName);

        Assert.AreEqual(2, tokenizer.BeginOfTextId, "add_bos_token is false");
        Assert.AreEqual(configuration, File.ReadAllText(Path.Combine(target.FullName, "tokenizer_config.json")));
        AssertSame(tokenizer, LanguageModelTokenizer.Load(target.FullName));
    }

    [TestMethod]
    public void AnIdFromOutsideSurvivesSavingWithoutAConfiguration()
    {
        LanguageModelTokenizer tokenizer = LanguageModelTokenizer.Load(TestData.Require("gpt2-tokenizer/encoder.json"), endOfTextId: 198);

        tokenizer.Save(_folder.FullName);

        Assert.AreEqual(198, LanguageModelTokenizer.Load(_folder.FullName).EndOfTextId);
    }

    private static void AssertSame(LanguageModelTokenizer expected, LanguageModelTokenizer actual)
    {
        Assert.AreEqual(expected.Hash, actual.Hash);
        Assert.AreEqual((expected.EndOfTextId, expected.BeginOfTextId), (actual.EndOfTextId, actual.BeginOfTextId));
        foreach (string text in TokenizerSamples.All) CollectionAssert.AreEqual(expected.Encode(text), actual.Encode(text));
    }

    private void WriteJson(JsonNode file) =>
        File.WriteAllText(Path.Combine(_folder.FullName, "tokenizer.json"), file.ToJsonString(new JsonSerializerOptions()));
}
