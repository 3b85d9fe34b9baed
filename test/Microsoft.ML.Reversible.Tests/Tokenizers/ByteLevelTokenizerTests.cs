using Microsoft.ML.Reversible.Tokenizers;

namespace Microsoft.ML.Reversible.Tests.Tokenizers;

[TestClass]
public class ByteLevelTokenizerTests
{
    [TestMethod]
    public void APieceThatIsNotTooLongStaysWhole() =>
        Assert.AreEqual(7, ByteLevelTokenizer.EndOfPart("# words", 1, 7));

    [TestMethod]
    [DataRow("a", 3 * ByteLevelTokenizer.LongestPiece + 5)]
    [DataRow("a", ByteLevelTokenizer.LongestPiece)]
    [DataRow("😀", ByteLevelTokenizer.LongestPiece)]
    [DataRow(" ", 2 * ByteLevelTokenizer.LongestPiece + 1)]
    public void ALongRunIsCutIntoPartsThatCoverItAndKeepSurrogatePairsWhole(string unit, int count)
    {
        string text = "#" + string.Concat(Enumerable.Repeat(unit, count));

        for (int start = 0; start < text.Length;)
        {
            int end = ByteLevelTokenizer.EndOfPart(text, start, text.Length);
            Assert.IsTrue(end - start is > 0 and <= ByteLevelTokenizer.LongestPiece);
            Assert.IsFalse(char.IsLowSurrogate(text[start]));
            start = end;
        }
    }

    /// <summary>
    /// A cut may change only a piece that is longer than the limit. Before and after it, the ids are those of the parts by themselves.
    /// </summary>
    [TestMethod]
    public void ALongRunHasTheIdsOfItsParts()
    {
        LanguageModelTokenizer tokenizer = LanguageModelTokenizer.Learn(["aaaa aaa abab b"], TextTokenization.Bpe, 262);
        string part = new('a', ByteLevelTokenizer.LongestPiece);

        int[] expected = [.. tokenizer.Encode("b"), .. tokenizer.Encode(" " + part[1..]), .. tokenizer.Encode(part),
            .. tokenizer.Encode("ab"), .. tokenizer.Encode(" b")];

        CollectionAssert.AreEqual(expected, tokenizer.Encode("b " + part[1..] + part + "ab b"));
    }
}
