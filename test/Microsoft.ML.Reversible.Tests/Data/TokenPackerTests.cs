using Microsoft.ML.Reversible.Data;

namespace Microsoft.ML.Reversible.Tests.Data;

[TestClass]
public class TokenPackerTests
{
    [TestMethod]
    public void ARowOfTextIsFollowedByEndOfText() =>
        CollectionAssert.AreEqual(new[] { 'a', 'b', 256 }, TokenPacker.Pack("ab", TokenCaches.Bytes));

    [TestMethod]
    [DataRow(new[] { 1, 2 }, 9, new[] { 1, 2, 9 })]
    [DataRow(new[] { 1, 9 }, 9, new[] { 1, 9 })]
    [DataRow(new[] { 9, 1 }, 9, new[] { 9, 1, 9 })]
    [DataRow(new[] { 1, 2 }, null, new[] { 1, 2 })]
    public void ARowOfIdsIsFollowedByEndOfTextUnlessItEndsWithIt(int[] ids, int? endOfTextId, int[] packed) =>
        CollectionAssert.AreEqual(packed, TokenPacker.Pack(ids, endOfTextId));

    [TestMethod]
    public void AnEmptyRowHasNoTokens()
    {
        Assert.IsEmpty(TokenPacker.Pack("", TokenCaches.Bytes));
        Assert.IsEmpty(TokenPacker.Pack([], 9));
    }
}
