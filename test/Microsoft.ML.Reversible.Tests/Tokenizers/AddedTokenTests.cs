using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.ML.Reversible.Tokenizers;

namespace Microsoft.ML.Reversible.Tests.Tokenizers;

/// <summary>Tests tokens that Hugging Face's files add to a vocabulary: where they are found, in text and in ids.</summary>
[TestClass]
public sealed class AddedTokenTests
{
    private const string Decoder =
        """
        {"eos_token":"</s>","bos_token":"<s>","added_tokens_decoder":{
         "512":{"content":"<|im_end|>","special":false},"513":{"content":"<|im_start|>","special":true},
         "520":{"content":"<t>","special":false}}}
        """;

    private DirectoryInfo _folder = null!;

    [TestInitialize]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("reversible-tests-");

    [TestCleanup]
    public void DeleteFolder() => _folder.Delete(recursive: true);

    [TestMethod]
    public void ASentencePieceFolderHasTheTokensOfItsConfiguration()
    {
        CopyModel();
        LanguageModelTokenizer plain = Load();
        Write("tokenizer_config.json", Decoder);

        LanguageModelTokenizer tokenizer = Load();

        Assert.AreEqual((521, 512), (tokenizer.VocabularySize, tokenizer.LeastModelSize));
        CollectionAssert.AreEqual(
            (int[])[.. plain.Encode("Once"), 512, .. plain.Encode(" upon"), 520], tokenizer.Encode("Once<|im_end|> upon<t>"));
        Assert.AreEqual("Once<|im_end|><t>", tokenizer.Decode([.. plain.Encode("Once"), 512, 513, 515, 520]));
        CollectionAssert.DoesNotContain(tokenizer.Encode("<|im_start|>"), 513);
        Assert.AreNotEqual(plain.Hash, tokenizer.Hash);
        AssertSavedAs(tokenizer);
    }

    [TestMethod]
    [DataRow("tokenizer_config.json", """{"eos_token":"<|im_end|>"}""", null)]
    [DataRow("tokenizer_config.json", """{"eos_token":{"content":"<|im_end|>","lstrip":false}}""", null)]
    [DataRow("special_tokens_map.json", """{"eos_token":"<|im_end|>"}""", null)]
    [DataRow("special_tokens_map.json", """{"eos_token":{"content":"<|im_end|>"}}""", """{"bos_token":"<s>"}""")]
    public void AnEndThatAddedTokensJsonDefinesIsFound(string file, string content, string? configuration)
    {
        CopyModel();
        Write("added_tokens.json", """{"<|im_end|>":512,"<|im_start|>":513.0}""");
        if (configuration is not null) Write("tokenizer_config.json", configuration);
        Write(file, content);

        LanguageModelTokenizer tokenizer = Load();

        Assert.AreEqual((512, "<|im_end|>", 514), (tokenizer.EndOfTextId, tokenizer.EndOfText, tokenizer.VocabularySize));
        CollectionAssert.DoesNotContain(tokenizer.Encode("a<|im_end|>"), 512, "no text ends a document");
        CollectionAssert.Contains(tokenizer.Encode("a<|im_start|>"), 513, "added tokens that nothing names are text");
        Assert.AreEqual("a", tokenizer.Decode([.. tokenizer.Encode("a"), 512]));
        AssertSavedAs(tokenizer);
    }

    [TestMethod]
    public void TheDecoderGoesBeforeAddedTokensJson()
    {
        CopyModel();
        Write("tokenizer_config.json", Decoder);
        Write("added_tokens.json", """{"<other>":512}""");
        CollectionAssert.Contains(Load().Encode("<|im_end|>"), 512);
    }

    [TestMethod]
    public void ANamedPaddingTokenIsSpecialWhateverItsFlagSays()
    {
        CopyModel();
        Write("tokenizer_config.json", """{"pad_token":"<pad>","added_tokens_decoder":{"512":{"content":"<pad>","special":false}}}""");
        CollectionAssert.DoesNotContain(Load().Encode("<pad>"), 512);
    }

    [TestMethod]
    [DataRow(null, true)]
    [DataRow("true", true)]
    [DataRow("false", false)]
    public void TheSpaceBeforeAStretchFollowsLegacy(string? legacy, bool spaced)
    {
        CopyModel();
        LanguageModelTokenizer plain = Load();
        Write("tokenizer_config.json", Decoder.Replace("{\"eos", legacy is null ? "{\"eos" : $"{{\"legacy\":{legacy},\"eos"));
        int[] ids = Load().Encode("Once<t>upon");
        int[] once = plain.Encode("Once");
        CollectionAssert.AreEqual((int[])[.. once, 520], ids[..(once.Length + 1)]);
        Assert.AreEqual(spaced, ids[(once.Length + 1)..].SequenceEqual(plain.Encode("upon")));
    }

    [TestMethod]
    public void AVocabularyFolderHasTheTokensThatVocabJsonLacks()
    {
        WriteVocabulary();
        Write(
            "tokenizer_config.json",
            """
            {"bos_token":"<b>","eos_token":"<e>","add_bos_token":false,"added_tokens_decoder":{
             "3":{"content":"<|endoftext|>","special":true},"4":{"content":"<b>","special":true},
             "5":{"content":"<e>","special":true},"7":{"content":"<t>","special":false,"rstrip":true}}}
            """);

        LanguageModelTokenizer tokenizer = Load();

        Assert.AreEqual((5, 4, 8, 3), (tokenizer.EndOfTextId, tokenizer.PrefixId, tokenizer.VocabularySize, tokenizer.LeastModelSize));
        CollectionAssert.AreEqual(new[] { 2, 7, 0 }, tokenizer.Encode("ab<t>  a"));
        Assert.AreEqual("ab<t>a", tokenizer.Decode([2, 3, 6, 7, 0]));
        AssertSavedAs(tokenizer);
    }

    [TestMethod]
    public void AByteThatIsAlsoThePaddingTokenIsStillText()
    {
        WriteVocabulary();
        Write(
            "tokenizer_config.json",
            """{"pad_token":"a","eos_token":"<e>","added_tokens_decoder":{"0":{"content":"a","special":true}}}""");
        LanguageModelTokenizer tokenizer = Load();
        Assert.AreEqual("aa", tokenizer.Decode(tokenizer.Encode("aa")));
    }

    [TestMethod]
    public void AddedTokensOfAVocabularyWithoutConfigurationSurviveSaving()
    {
        WriteVocabulary();
        Write("added_tokens.json", """{"<t>":4,"<|endoftext|>":3}""");
        LanguageModelTokenizer tokenizer = Load();
        CollectionAssert.AreEqual(new[] { 2, 4 }, tokenizer.Encode("ab<t>"));
        AssertSavedAs(tokenizer);
    }

    [TestMethod]
    public void TheConfigurationAddsTokensToTokenizerJson()
    {
        Write("tokenizer.json", TokenizerJsonFiles.SmallSplit);
        Write("tokenizer_config.json", """{"added_tokens_decoder":{"6":{"content":"<u>","normalized":false}}}""");
        LanguageModelTokenizer tokenizer = Load();
        CollectionAssert.AreEqual(new[] { 0, 6, 4 }, tokenizer.Encode("a<u><t>"));
        AssertSavedAs(tokenizer);
    }

    [TestMethod]
    public void ATokenSearchedInTextThatGetsASpaceIsFoundAsTheRustTokenizersFindIt()
    {
        JsonObject file = TokenizerJsonFiles.Llama(TestData.Require("stories260k/tok512.model"), pairs: true);
        file["added_tokens"]!.AsArray().Add(JsonNode.Parse(
            """
            {"id":512,"content":"<v>","special":false,"normalized":true,"lstrip":false,"rstrip":false,"single_word":false}
            """));
        CompareWithRust(file, 513);
    }

    [TestMethod]
    public void AFolderWithoutAddedTokensKeepsItsHash()
    {
        CopyModel();
        string hash = Load().Hash;
        Write("added_tokens.json", "{}");
        Write("tokenizer_config.json", """{"eos_token":"</s>","added_tokens_decoder":{"1":{"content":"<s>","special":true}}}""");
        Assert.AreEqual(hash, Load().Hash);
    }

    [TestMethod]
    [DataRow("always")]
    [DataRow("first")]
    public void ALlamaFileGivesTheIdsOfTheRustTokenizers(string scheme)
    {
        JsonObject file = TokenizerJsonFiles.Llama(TestData.Require("stories260k/tok512.model"), pairs: false);
        file["normalizer"] = null;
        file["pre_tokenizer"] =
            JsonNode.Parse($$"""{"type":"Metaspace","replacement":"▁","prepend_scheme":"{{scheme}}","split":false}""");
        CompareWithRust(file, 512);
    }

    [TestMethod]
    public void AByteLevelFileGivesTheIdsOfTheRustTokenizers() => CompareWithRust(TokenizerJsonFiles.Gpt2(), 50257);

    /// <summary>Case 07 of the shared cases.</summary>
    [TestMethod]
    public void TheSharedGpt2FormHasItsEnds()
    {
        LanguageModelTokenizer tokenizer = LanguageModelTokenizer.Load(TestData.Require("../cases/07-added-tokens/c-gpt2-added-eos"));
        Assert.AreEqual((50258, 50257, 50259), (tokenizer.EndOfTextId, tokenizer.PrefixId, tokenizer.VocabularySize));
        Assert.AreEqual("<|endofturn|>", tokenizer.EndOfText);
        CollectionAssert.AreEqual(new[] { 15496, 995 }, tokenizer.Encode("Hello world"));
        AssertSavedAs(tokenizer);
    }

    private void CompareWithRust(JsonObject file, int id)
    {
        JsonArray added = file["added_tokens"]!.AsArray();
        foreach (string flags in (string[])[
            "\"content\":\"<t>\"", "\"content\":\"zzq\",\"single_word\":true", "\"content\":\"e>\",\"normalized\":true",
            "\"content\":\"n  u\",\"normalized\":true", "\"content\":\"<tt>\",\"lstrip\":true", "\"content\":\"<u>\",\"rstrip\":true",
            "\"content\":\"<t><u>\",\"lstrip\":true,\"rstrip\":true"])
        {
            JsonObject token = JsonNode.Parse(
                $$"""{"id":{{id++}},{{flags}},"special":false}""")!.AsObject();
            foreach (string flag in (string[])["lstrip", "rstrip", "normalized", "single_word"]) token.TryAdd(flag, false);
            added.Add(token);
        }
        Write("tokenizer.json", file.ToJsonString());
        LanguageModelTokenizer tokenizer = Load();
        using var rust = new RustTokenizer(file);
        var random = new Random(2);
        string[] parts = [
            "zzq", "<v>", "e>", "\u24B6", "𝔸", "🅰", "_", "\u200D",
            "<t>", "<tt>", "<u>", " ", "  ", "\n", "Once", "upon a", "<", ">", "tt", "é", "\u3000"];
        for (int i = 0; i < 3000; i++)
        {
            string text = string.Concat(random.GetItems(parts, random.Next(1, 9)));
            CollectionAssert.AreEqual(rust.Encode(text), tokenizer.Encode(text), JsonSerializer.Serialize(text));
        }
    }

    /// <summary>Asserts that saving and loading changes no id.</summary>
    private static void AssertSavedAs(LanguageModelTokenizer tokenizer)
    {
        DirectoryInfo saved = Directory.CreateTempSubdirectory("reversible-tests-");
        try
        {
            tokenizer.Save(saved.FullName);
            LanguageModelTokenizer loaded = LanguageModelTokenizer.Load(saved.FullName);
            Assert.AreEqual(tokenizer.Hash, loaded.Hash);
            Assert.AreEqual(
                (tokenizer.VocabularySize, tokenizer.EndOfTextId, tokenizer.BeginOfTextId, tokenizer.PrefixId, tokenizer.LeastModelSize),
                (loaded.VocabularySize, loaded.EndOfTextId, loaded.BeginOfTextId, loaded.PrefixId, loaded.LeastModelSize));
        }
        finally
        {
            saved.Delete(recursive: true);
        }
    }

    private void CopyModel() => File.Copy(TestData.Require("stories260k/tok512.model"), Path.Combine(_folder.FullName, "tokenizer.model"));

    private void WriteVocabulary()
    {
        Write("vocab.json", """{"a":0,"b":1,"ab":2}""");
        Write("merges.txt", "#version: 0.2\na b\n");
    }

    private void Write(string name, string content) => File.WriteAllText(Path.Combine(_folder.FullName, name), content);

    private LanguageModelTokenizer Load() => LanguageModelTokenizer.Load(_folder.FullName);
}
