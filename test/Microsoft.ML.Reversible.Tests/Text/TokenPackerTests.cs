using Microsoft.ML.Reversible.Text;

namespace Microsoft.ML.Reversible.Tests.Text;

[TestClass]
public class TokenPackerTests
{
    private static readonly LanguageModelTokenizer _tokenizer = LanguageModelTokenizer.Learn([], TextTokenization.Byte, 0);

    [TestMethod]
    public void EveryRowIsFollowedByEndOfText() =>
        CollectionAssert.AreEqual(new[] { 'a', 'b', 256, 'c', 256 }, TokenPacker.Pack(["ab", "c"], _tokenizer));

    [TestMethod]
    public void EmptyRowsAreLeftOut() =>
        CollectionAssert.AreEqual(new[] { 'a', 256, 'c', 256 }, TokenPacker.Pack(["", "a", "", "c", ""], _tokenizer));

    [TestMethod]
    [DataRow(new string[0])]
    [DataRow(new[] { "", "" })]
    public void NoTextIsRefused(string[] rows)
    {
        var e = Assert.ThrowsExactly<InvalidOperationException>(() => TokenPacker.Pack(rows, _tokenizer));

        StringAssert.Contains(e.Message, "no rows");
    }
}
