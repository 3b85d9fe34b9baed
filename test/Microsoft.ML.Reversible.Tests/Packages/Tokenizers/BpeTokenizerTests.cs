using System.Buffers;
using System.Text;
using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Reversible.Tests.Packages.Tokenizers;

[TestClass]
public class BpeTokenizerTests
{
    private static readonly Dictionary<string, int> _vocabulary = new()
    {
        ["a"] = 0, ["b"] = 1, ["c"] = 2, ["ab"] = 3, ["abc"] = 4, ["bc"] = 5, ["[UNK]"] = 6, ["Ġ"] = 7, ["[END]"] = 8,
    };

    private static readonly string[] _merges = ["a b", "ab c", "b c"];

    [TestMethod]
    public void MergesApplyInTheOrderListedAndWhiteSpaceIsLostWithoutAPreTokenizer()
    {
        var tokenizer = BpeTokenizer.Create(new BpeOptions(_vocabulary) { Merges = _merges });

        CollectionAssert.AreEqual(new[] { 4, 5, 3, 2, 3 }, tokenizer.EncodeToIds("abc bc\nab cab").ToArray());
        Assert.AreEqual("abcbcabcab", tokenizer.Decode([4, 5, 3, 2, 3]));
    }

    [TestMethod]
    public void WithoutPreTokenizationTheWholeTextIsOnePiece()
    {
        var tokenizer = BpeTokenizer.Create(new BpeOptions(_vocabulary)
        {
            Merges = _merges, ByteLevel = true, PreTokenizer = RobertaPreTokenizer.Instance,
        });

        CollectionAssert.AreEqual(new[] { 3, 7, 4 }, tokenizer.EncodeToIds("ab abc", considerPreTokenization: false).ToArray());
        Assert.AreEqual("ab abc", tokenizer.Decode([3, 7, 4]));
    }

    [TestMethod]
    public void ACharacterOutsideTheVocabularyBecomesTheUnknownTokenOrNothing()
    {
        var silent = BpeTokenizer.Create(new BpeOptions(_vocabulary) { Merges = _merges });
        var marked = BpeTokenizer.Create(new BpeOptions(_vocabulary) { Merges = _merges, UnknownToken = "[UNK]" });
        var fused = BpeTokenizer.Create(new BpeOptions(_vocabulary) { UnknownToken = "[UNK]", FuseUnknownTokens = true });

        CollectionAssert.AreEqual(new[] { 0, 2 }, silent.EncodeToIds("axyc").ToArray());
        CollectionAssert.AreEqual(new[] { 0, 6, 6, 2 }, marked.EncodeToIds("axyc").ToArray());
        CollectionAssert.AreEqual(new[] { 0, 6, 2 }, fused.EncodeToIds("axyc").ToArray());
        Assert.AreEqual("ab", marked.Decode([0, 6, 1], considerSpecialTokens: false));
    }

    [TestMethod]
    public void ASpecialTokenIsFoundOnlyWhenThePreTokenizerHandsItOver()
    {
        var special = new Dictionary<string, int> { ["[END]"] = 8 };
        var options = new BpeOptions(_vocabulary) { Merges = _merges, SpecialTokens = special };
        var deaf = BpeTokenizer.Create(options);
        options.PreTokenizer = PreTokenizer.CreateWordOrNonWord(special);
        var hearing = BpeTokenizer.Create(options);

        CollectionAssert.AreEqual(new[] { 4 }, deaf.EncodeToIds("abc[END]").ToArray());
        CollectionAssert.AreEqual(new[] { 4, 8, 3 }, hearing.EncodeToIds("abc[END]ab").ToArray());
        Assert.AreEqual("abc[END]", hearing.Decode([4, 8]));
        Assert.AreEqual("abc", hearing.Decode([4, 8], considerSpecialTokens: false));
    }

    [TestMethod]
    public void TheNormalizerRunsBeforeEverythingUnlessToldNotTo()
    {
        var tokenizer = BpeTokenizer.Create(new BpeOptions(_vocabulary) { Merges = _merges, Normalizer = new Lower() });

        var ids = tokenizer.EncodeToIds("ABC", int.MaxValue, out var normalizedText, out _);

        CollectionAssert.AreEqual(new[] { 4 }, ids.ToArray());
        Assert.AreEqual("abc", normalizedText);
        Assert.IsEmpty(tokenizer.EncodeToIds("ABC", considerNormalization: false));
    }

    [TestMethod]
    public void ALimitCutsTheIdsAndTellsHowMuchTextTheyTake()
    {
        var ids = Gpt2.Tokenizer.EncodeToIds("one two three", 2, out _, out var charsConsumed);

        Assert.HasCount(2, ids);
        Assert.AreEqual("one two".Length, charsConsumed);
        Assert.AreEqual(7, Gpt2.Tokenizer.GetIndexByTokenCount("one two three", 2, out _, out var count));
        Assert.AreEqual(2, count);
        Assert.AreEqual(3, Gpt2.Tokenizer.GetIndexByTokenCountFromEnd("one two three", 2, out _, out _));
        Assert.AreEqual(0, Gpt2.Tokenizer.GetIndexByTokenCountFromEnd("one two three", 9, out _, out count));
        Assert.AreEqual(3, count);
    }

    [TestMethod]
    public void ALimitBelowOneIsRefused()
    {
        var tokenizer = BpeTokenizer.Create(new BpeOptions(_vocabulary));

        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => tokenizer.EncodeToIds("abc", 0, out _, out _));
    }

    [TestMethod]
    public void DecodingIntoASpanStopsAtTheLastWholeCharacterAndAtTheEndOfTheSpan()
    {
        Span<char> destination = stackalloc char[32];
        int[] ids = [15496, 33768, 98];

        Assert.AreEqual(OperationStatus.Done, Gpt2.Tokenizer.Decode(ids, destination, out var consumed, out var written));
        Assert.AreEqual((3, "Hello日"), (consumed, destination[..written].ToString()));

        Assert.AreEqual(OperationStatus.Done, Gpt2.Tokenizer.Decode(ids[..2], destination, out consumed, out written));
        Assert.AreEqual((1, "Hello"), (consumed, destination[..written].ToString()));

        Assert.AreEqual(OperationStatus.DestinationTooSmall, Gpt2.Tokenizer.Decode(ids, destination[..3], out consumed, out written));
        Assert.AreEqual((0, 0), (consumed, written));
    }

    [TestMethod]
    public void EmptyTextHasNoTokens()
    {
        Assert.IsEmpty(Gpt2.Tokenizer.EncodeToIds(""));
        Assert.IsEmpty(Gpt2.Tokenizer.EncodeToTokens("", out _));
        Assert.AreEqual("", Gpt2.Tokenizer.Decode([]));
    }

    [TestMethod]
    public void VocabularyAndMergesAreReadFromStreams()
    {
        using var vocabulary = new MemoryStream(Encoding.UTF8.GetBytes("""{"a":0,"b":1,"c":2,"ab":3}"""));
        using var merges = new MemoryStream(Encoding.UTF8.GetBytes("#version: 0.2\na b\n"));

        var tokenizer = BpeTokenizer.Create(vocabulary, merges);

        CollectionAssert.AreEqual(new[] { 3, 2 }, tokenizer.EncodeToIds("abc").ToArray());
        Assert.HasCount(4, tokenizer.Vocabulary);
        Assert.IsFalse(tokenizer.ByteLevel);
    }

    [TestMethod]
    public void AMergeOfATokenOutsideTheVocabularyIsRefused() =>
        Assert.ThrowsExactly<InvalidOperationException>(
            () => BpeTokenizer.Create(new BpeOptions(_vocabulary) { Merges = ["a z"] }));

    private sealed class Lower : Normalizer
    {
        public override string Normalize(string original) => original.ToLowerInvariant();

        public override string Normalize(ReadOnlySpan<char> original) => original.ToString().ToLowerInvariant();
    }
}
