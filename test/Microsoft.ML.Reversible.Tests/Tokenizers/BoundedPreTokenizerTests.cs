using Microsoft.ML.Reversible.Tokenizers;
using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Reversible.Tests.Tokenizers;

[TestClass]
public class BoundedPreTokenizerTests
{
    [TestMethod]
    public void OrdinaryTextIsCutAsByGpt2()
    {
        const string text = "We've seen  it:\n\n42 times, naïve 猫!";

        CollectionAssert.AreEqual(
            RobertaPreTokenizer.Instance.PreTokenize(text).ToArray(), BoundedPreTokenizer.Instance.PreTokenize(text).ToArray());
        CollectionAssert.AreEqual(
            RobertaPreTokenizer.Instance.PreTokenize(text).ToArray(), BoundedPreTokenizer.Instance.PreTokenize(text.AsSpan()).ToArray());
    }

    [TestMethod]
    [DataRow("a", 3 * BoundedPreTokenizer.Limit + 5)]
    [DataRow("a", BoundedPreTokenizer.Limit)]
    [DataRow("😀", BoundedPreTokenizer.Limit)]
    [DataRow(" ", 2 * BoundedPreTokenizer.Limit + 1)]
    public void ALongRunIsCutIntoPiecesThatCoverItAndKeepSurrogatePairsWhole(string unit, int count)
    {
        string text = "#" + string.Concat(Enumerable.Repeat(unit, count));

        int next = 0;
        foreach ((int offset, int length) in BoundedPreTokenizer.Instance.PreTokenize(text))
        {
            Assert.AreEqual(next, offset);
            Assert.IsTrue(length is > 0 and <= BoundedPreTokenizer.Limit);
            Assert.IsFalse(char.IsLowSurrogate(text[offset]));
            next = offset + length;
        }
        Assert.AreEqual(text.Length, next);
    }
}
