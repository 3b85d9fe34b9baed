using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.ML.Reversible.Tests.Models;
using Microsoft.ML.Reversible.Tokenizers;
using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Reversible.Tests.Tokenizers;

/// <summary>What stands for an empty context: bos_token_id where the tokenizer has one, else eos_token_id.</summary>
[TestClass]
public class PrefixTests
{
    private const int End = 50256;
    private const int Begin = 50257;

    private DirectoryInfo _folder = null!;

    [TestInitialize]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("reversible-tests-");

    [TestCleanup]
    public void DeleteFolder() => _folder.Delete(recursive: true);

    [TestMethod]
    [DataRow("""{"bos_token":"<|begin|>"}""", null, Begin)]
    [DataRow("""{"bos_token":{"content":"<|begin|>"},"add_bos_token":false}""", null, Begin)]
    [DataRow("""{"bos_token":"<|begin|>","eos_token":"<|begin|>"}""", null, Begin)]
    [DataRow("""{"bos_token":null}""", null, End)]
    [DataRow("""{}""", null, End)]
    [DataRow(null, null, End)]
    [DataRow(null, """{"bos_token":"<|begin|>"}""", Begin)]
    [DataRow("""{"add_bos_token":false}""", """{"bos_token":{"content":"<|begin|>"}}""", Begin)]
    [DataRow("""{"bos_token":null}""", """{"bos_token":"<|begin|>"}""", End)]
    [DataRow("""{"bos_token":"<|endoftext|>"}""", """{"bos_token":"<|begin|>"}""", End)]
    public void AByteLevelTokenizerNamesItWhetherOrNotItStandsBeforeTexts(string? configuration, string? map, int expected)
    {
        WriteGpt2(hasTemplate: false);
        Write("tokenizer_config.json", configuration);
        Write("special_tokens_map.json", map);

        Assert.AreEqual(expected, AssertSavesItsPrefix(LanguageModelTokenizer.Load(_folder.FullName)).PrefixId);
    }

    [TestMethod]
    public void WhatTheTemplatePutsBeforeTextsIsItWhereNothingElseIsNamed()
    {
        WriteGpt2(hasTemplate: true);
        Assert.AreEqual(Begin, LanguageModelTokenizer.Load(_folder.FullName).PrefixId);

        Write("tokenizer_config.json", """{"bos_token":null}""");
        Assert.AreEqual(End, LanguageModelTokenizer.Load(_folder.FullName).PrefixId);
    }

    [TestMethod]
    [DataRow(null, 1, 1)]
    [DataRow("""{"bos_token":"<s>","add_bos_token":false}""", 1, 2)]
    [DataRow("""{"bos_token":"<unk>"}""", 0, 0)]
    [DataRow("""{"bos_token":null}""", 2, 2)]
    public void ASentencePieceVocabularyHasItsOwn(string? configuration, int prefix, int begin)
    {
        File.Copy(TestData.Require("stories260k/tok512.model"), Path.Combine(_folder.FullName, "tokenizer.model"));
        Write("tokenizer_config.json", configuration);

        LanguageModelTokenizer tokenizer = AssertSavesItsPrefix(LanguageModelTokenizer.Load(_folder.FullName));

        Assert.AreEqual((prefix, begin), (tokenizer.PrefixId, tokenizer.BeginOfTextId));
    }

    [TestMethod]
    [DataRow("tokenizer_config.json")]
    [DataRow("special_tokens_map.json")]
    public void ANamedTokenThatNoFileHasGetsTheNextId(string file)
    {
        WriteGpt2(hasTemplate: false);
        int next = LanguageModelTokenizer.Load(_folder.FullName).VocabularySize;
        Write(file, """{"bos_token":"<|start|>"}""");

        Assert.AreEqual(next, AssertSavesItsPrefix(LanguageModelTokenizer.Load(_folder.FullName)).PrefixId);
    }

    [TestMethod]
    public void AMalformedMapIsNamed()
    {
        WriteGpt2(hasTemplate: false);
        Write("special_tokens_map.json", """{"bos_token":7}""");

        var e = Assert.ThrowsExactly<InvalidDataException>(() => LanguageModelTokenizer.Load(_folder.FullName));

        StringAssert.Contains(e.Message, "special_tokens_map.json");
        StringAssert.Contains(e.Message, "bos_token is not a text");
    }

    [TestMethod]
    public void AnInstanceHasItAmongItsTokens()
    {
        using FileStream pieces = File.OpenRead(TestData.Require("stories260k/tok512.model"));
        Assert.AreEqual(1, LanguageModelTokenizer.Wrap(LlamaTokenizer.Create(pieces)).PrefixId);

        using FileStream ranks = File.OpenRead(TestData.Require("gpt2-tokenizer/gpt2.tiktoken"));
        var special = new Dictionary<string, int> { ["<|end_of_text|>"] = End, ["<|begin_of_text|>"] = Begin };
        LanguageModelTokenizer tokenizer = LanguageModelTokenizer.Wrap(
            TiktokenTokenizer.Create(ranks, RobertaPreTokenizer.Instance, null, special));
        Assert.AreEqual((End, End, Begin), (tokenizer.EndOfTextId, tokenizer.BeginOfTextId, tokenizer.PrefixId));
        Assert.AreEqual(End, LanguageModelTokenizer.Wrap(Gpt2.Tokenizer).PrefixId);
    }

    private static LanguageModelTokenizer AssertSavesItsPrefix(LanguageModelTokenizer tokenizer)
    {
        DirectoryInfo target = Directory.CreateTempSubdirectory("reversible-tests-");
        try
        {
            tokenizer.Save(target.FullName);
            LanguageModelTokenizer saved = LanguageModelTokenizer.Load(target.FullName);
            Assert.AreEqual(
                (tokenizer.PrefixId, tokenizer.BeginOfTextId, tokenizer.EndOfTextId),
                (saved.PrefixId, saved.BeginOfTextId, saved.EndOfTextId));
        }
        finally
        {
            target.Delete(recursive: true);
        }
        return tokenizer;
    }

    private void WriteGpt2(bool hasTemplate)
    {
        JsonObject file = TokenizerJsonFiles.Gpt2();
        file["added_tokens"]!.AsArray().Add(JsonNode.Parse($$"""{"id":{{Begin}},"content":"<|begin|>","special":true}"""));
        if (hasTemplate)
            file["post_processor"] = JsonNode.Parse(
                """{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<|begin|>","type_id":0}},{"Sequence":{"id":"A"}}]}""");
        Write("tokenizer.json", file.ToJsonString(new JsonSerializerOptions()));
    }

    private void Write(string name, string? content)
    {
        if (content is not null) File.WriteAllText(Path.Combine(_folder.FullName, name), content);
    }
}
