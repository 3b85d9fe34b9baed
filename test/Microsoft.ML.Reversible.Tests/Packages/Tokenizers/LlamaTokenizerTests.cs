using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Reversible.Tests.Packages.Tokenizers;

[TestClass]
public class LlamaTokenizerTests
{
    private LlamaTokenizer _tokenizer = null!;

    [TestInitialize]
    public void Open() => _tokenizer = Create();

    [TestMethod]
    public void TheMarksAreAddedAsAskedFor()
    {
        CollectionAssert.AreEqual(new[] { 1, 15043, 3186 }, _tokenizer.EncodeToIds("Hello world").ToArray());
        CollectionAssert.AreEqual(
            new[] { 15043, 3186 }, _tokenizer.EncodeToIds("Hello world", addBeginningOfSentence: false, addEndOfSentence: false).ToArray());
        CollectionAssert.AreEqual(
            new[] { 1, 15043, 3186, 2 }, Create(addEnd: true).EncodeToIds("Hello world").ToArray());
        Assert.AreEqual(3, _tokenizer.CountTokens("Hello world"));
        Assert.IsEmpty(_tokenizer.EncodeToIds(""));
    }

    [TestMethod]
    public void WhatHasNoPieceBecomesBytes()
    {
        var tokens = _tokenizer.EncodeToTokens("é😀", out string? normalized, addBeginningOfSentence: false, addEndOfSentence: false);

        Assert.AreEqual("▁é😀", normalized);
        CollectionAssert.AreEqual(
            new[] { "▁é", "<0xF0>", "<0x9F>", "<0x98>", "<0x80>" }, tokens.Select(token => token.Value).ToArray());
        Assert.AreEqual("é😀", _tokenizer.Decode(tokens.Select(token => token.Id)));
    }

    [TestMethod]
    public void WithoutNormalizationTheTextIsTakenAsItStands()
    {
        int[] ids = _tokenizer.EncodeToIds(
            "▁Hello", addBeginningOfSentence: false, addEndOfSentence: false, considerNormalization: false).ToArray();

        CollectionAssert.AreEqual(new[] { 15043 }, ids);
    }

    [TestMethod]
    public void TheModelsPropertiesAreItsFiles()
    {
        Assert.HasCount(32_000, _tokenizer.Vocabulary);
        Assert.AreEqual((0, 1, 2), (_tokenizer.UnknownId, _tokenizer.BeginningOfSentenceId, _tokenizer.EndOfSentenceId));
        Assert.AreEqual(
            ("<unk>", "<s>", "</s>"), (_tokenizer.UnknownToken, _tokenizer.BeginningOfSentenceToken, _tokenizer.EndOfSentenceToken));
        Assert.IsTrue(_tokenizer.ByteFallback && _tokenizer.AddDummyPrefix && _tokenizer.EscapeWhiteSpaces);
        Assert.IsNull(_tokenizer.PreTokenizer);
        var normalizer = Assert.IsInstanceOfType<SentencePieceNormalizer>(_tokenizer.Normalizer);
        Assert.IsFalse(normalizer.RemoveExtraWhiteSpaces);
    }

    [TestMethod]
    public void SpecialTokensAreFoundInText()
    {
        LlamaTokenizer tokenizer = Create(special: new Dictionary<string, int> { ["<|end|>"] = 32_000 });

        CollectionAssert.AreEqual(
            new[] { 1, 15043, 32_000 }, tokenizer.EncodeToIds("Hello<|end|>").ToArray());
        Assert.AreEqual("Hello", tokenizer.Decode([1, 15043, 32_000]));
        Assert.AreEqual("<s>Hello<|end|>", tokenizer.Decode([1, 15043, 32_000], considerSpecialTokens: true));
    }

    [TestMethod]
    [DataRow(false, " a  b ", "▁▁a▁▁b▁")]
    [DataRow(true, " a  b ", "▁a▁b")]
    [DataRow(true, "ab", "▁ab")]
    [DataRow(true, "a", "")]
    public void TheNormalizerEscapesSpacesAndRemovesThemIfAskedTo(bool removes, string text, string expected) =>
        Assert.AreEqual(expected, new SentencePieceNormalizer(removes, true, true, false, null).Normalize(text));

    [TestMethod]
    public void ATruncatedModelIsRefused()
    {
        byte[] model = File.ReadAllBytes(TestData.Require("stories260k/tok512.model"));

        Assert.Throws<IOException>(() => LlamaTokenizer.Create(new MemoryStream(model[..100])));
    }

    private static LlamaTokenizer Create(bool addEnd = false, IReadOnlyDictionary<string, int>? special = null)
    {
        using FileStream model = File.OpenRead(TestData.Require("llama-tokenizer/tokenizer.model"));
        return LlamaTokenizer.Create(model, addEndOfSentence: addEnd, specialTokens: special);
    }
}
