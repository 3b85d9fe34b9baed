using Microsoft.ML.Reversible.Tests.Storage;
using Microsoft.ML.Reversible.Tokenizers;

namespace Microsoft.ML.Reversible.Tests.Tokenizers;

[TestClass]
public sealed class TokenAdditionTests
{
    private static readonly string[] _tokens = ["<|turn|>", "<|stop|>"];

    public static IEnumerable<object[]> Kinds =>
    [
        ["bytes"], ["bpe"], ["llama-tokenizer"], ["gpt2-tokenizer"], ["stories260k/tok512.model"],
        ["reference-models/tokenizers/qwen2-form"], ["reference-models/tokenizers/llama3-form"],
    ];

    [TestMethod]
    [DynamicData(nameof(Kinds))]
    public void AddedTokensAreFoundAndSavedAndLeaveOtherTextAsItIs(string kind)
    {
        LanguageModelTokenizer tokenizer = Open(kind), added = TokenAddition.Add(tokenizer, _tokens);
        int size = added.VocabularySize - 2;
        Assert.IsGreaterThanOrEqualTo(tokenizer.VocabularySize, size);
        const string text = "Once upon a time, there was a fox.";
        CollectionAssert.AreEqual(tokenizer.Encode(text), added.Encode(text));
        Assert.AreEqual((tokenizer.EndOfTextId, tokenizer.BeginOfTextId, tokenizer.PrefixId),
            (added.EndOfTextId, added.BeginOfTextId, added.PrefixId));
        int[] ids = added.Encode("a<|stop|>b<|turn|>", recognizeSpecial: true);
        Assert.AreEqual(1, ids.Count(id => id == size));
        Assert.AreEqual(1, ids.Count(id => id == size + 1));
        Assert.IsFalse(added.Encode("a<|stop|>").Contains(size + 1), "text alone makes a special token");
        Assert.AreNotEqual(tokenizer.Hash, added.Hash);

        using var scratch = new ScratchFolder();
        added.Save(scratch.FullName);
        LanguageModelTokenizer loaded = LanguageModelTokenizer.Load(scratch.FullName, tokenizer.EndOfTextId);
        CollectionAssert.AreEqual(ids, loaded.Encode("a<|stop|>b<|turn|>", recognizeSpecial: true));
        LanguageModelTokenizer more = TokenAddition.Add(loaded, ["<z>"]);
        CollectionAssert.AreEqual(new[] { size + 2 }, more.Encode("<z>", recognizeSpecial: true).Where(id => id >= size).ToArray());
        CollectionAssert.AreEqual(ids, more.Encode("a<|stop|>b<|turn|>", recognizeSpecial: true));
    }

    [TestMethod]
    public void TokensOfAnOldFileStay()
    {
        using var scratch = new ScratchFolder();
        TokenAddition.Add(Open("bytes"), ["<old>"]).Save(scratch.FullName);
        string configuration = scratch.File("tokenizer_config.json");
        File.WriteAllText(configuration, """{"eos_token":"<|endoftext|>","unk_token":"<|endoftext|>","reversible_tokenization":"byte"}""");
        File.WriteAllText(scratch.File("added_tokens.json"), """{"<old>":257}""");
        LanguageModelTokenizer added = TokenAddition.Add(LanguageModelTokenizer.Load(scratch.FullName), ["<new>"]);
        Assert.AreEqual(259, added.VocabularySize);
        CollectionAssert.AreEqual(new[] { 257, 258 }, added.Encode("<old><new>", recognizeSpecial: true));
        Assert.IsFalse(added.Encode("<new>").Contains(258));
    }

    [TestMethod]
    public void WhatCannotBeAddedIsNamed()
    {
        var e = Assert.ThrowsExactly<ArgumentException>(() => TokenAddition.Add(Open("bytes"), ["a"]));
        StringAssert.StartsWith(e.Message, "The tokens a cannot be added to the tokenizer: ");
        StringAssert.Contains(
            Assert.ThrowsExactly<NotSupportedException>(
                () => TokenAddition.Add(LanguageModelTokenizer.Learn(["ab"], TextTokenization.Character, 0), _tokens)).Message,
            "cannot be added to one of characters");
    }

    private static LanguageModelTokenizer Open(string kind) => kind switch
    {
        "bytes" => LanguageModelTokenizer.Learn([], TextTokenization.Byte, 0),
        "bpe" => LanguageModelTokenizer.Learn(Corpus.Rows, TextTokenization.Bpe, 300),
        _ => LanguageModelTokenizer.Load(TestData.Require(kind)),
    };
}
