using System.Buffers;
using Microsoft.ML.Reversible.Tokenizers;
using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Reversible.Tests.Tokenizers;

[TestClass]
public class CharacterTokenizerTests
{
    private readonly CharacterTokenizer _tokenizer = new(["a", "b", "😀", "<|endoftext|>"]);

    [TestMethod]
    public void TokensCarryTheirCharacterAndItsPlace()
    {
        var tokens = _tokenizer.EncodeToTokens("a😀b", out string? normalizedText);

        Assert.IsNull(normalizedText);
        CollectionAssert.AreEqual(
            new[] { new EncodedToken(0, "a", ..1), new EncodedToken(2, "😀", 1..3), new EncodedToken(1, "b", 3..4) }, tokens.ToArray());
        Assert.AreEqual(3, _tokenizer.CountTokens("a😀b"));
    }

    [TestMethod]
    public void ALimitCutsBetweenCharacters()
    {
        var ids = _tokenizer.EncodeToIds("a😀b", 2, out _, out int charsConsumed);

        CollectionAssert.AreEqual(new[] { 0, 2 }, ids.ToArray());
        Assert.AreEqual(3, charsConsumed);
        Assert.AreEqual(3, _tokenizer.GetIndexByTokenCount("a😀b", 2, out _, out int count));
        Assert.AreEqual(2, count);
        Assert.AreEqual(1, _tokenizer.GetIndexByTokenCountFromEnd("a😀b", 2, out _, out count));
        Assert.AreEqual(2, count);
        Assert.AreEqual(4, _tokenizer.GetIndexByTokenCount("a😀b", 9, out _, out count));
        Assert.AreEqual(0, _tokenizer.GetIndexByTokenCountFromEnd("a😀b", 9, out _, out count));
        Assert.AreEqual(3, count);
    }

    [TestMethod]
    public void DecodingIntoASpanStopsWhereACharacterDoesNotFit()
    {
        Span<char> destination = stackalloc char[2];

        Assert.AreEqual(OperationStatus.DestinationTooSmall, _tokenizer.Decode([0, 2], destination, out int consumed, out int written));
        Assert.AreEqual((1, 1), (consumed, written));
        Assert.AreEqual(OperationStatus.Done, _tokenizer.Decode([2], destination, out consumed, out written));
        Assert.AreEqual("😀", destination[..written].ToString());
    }

    [TestMethod]
    public void TheTokenOfSeveralCharactersIsNeverFoundInText() =>
        Assert.ThrowsExactly<ArgumentException>(() => _tokenizer.EncodeToIds("<|endoftext|>"));
}
