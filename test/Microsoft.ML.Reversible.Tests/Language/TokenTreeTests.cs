using Microsoft.ML.Reversible.Language;

namespace Microsoft.ML.Reversible.Tests.Language;

[TestClass]
public sealed class TokenTreeTests
{
    [TestMethod]
    [DataRow(new[] { 1, 2, 3 }, new[] { 4, 5 }, 9, new[] { 1, 2, 3, 4, 5 }, 2)]
    [DataRow(new[] { 1, 2, 3 }, new[] { 4, 5 }, 4, new[] { 1, 2, 3, 4, 5 }, 2)]
    [DataRow(new[] { 1, 2, 3 }, new[] { 4, 5 }, 3, new[] { 2, 3, 4, 5 }, 2)]
    [DataRow(new[] { 1, 2, 3 }, new[] { 4, 5 }, 2, new[] { 3, 4, 5 }, 2)]
    [DataRow(new[] { 1, 2, 3 }, new[] { 4, 5, 6 }, 2, new[] { 4, 5, 6 }, 2)]
    [DataRow(new[] { 1 }, new int[0], 2, new[] { 1 }, 0)]
    public void ASequenceIsCutFromTheLeft(int[] context, int[] continuation, int window, int[] expected, int scored)
    {
        ScoredTokens tokens = ScoredTokens.Of(context, continuation, window);
        CollectionAssert.AreEqual(expected, tokens.Ids);
        Assert.AreEqual(scored, tokens.Scored);
    }

    [TestMethod]
    public void ABeginningStandsOnce()
    {
        TokenTree tree = Only([new([1, 2, 3, 7], 1), new([1, 2, 3, 8], 1), new([1, 2, 3, 4, 5], 2), new([1, 2, 9, 9], 2)]);
        CollectionAssert.AreEqual(new[] { 1, 2, 3, 4, 9 }, tree.Ids.ToArray());
        CollectionAssert.AreEqual(new[] { 0, 1, 2, 3, 2 }, tree.Positions.ToArray());
        CollectionAssert.AreEquivalent(
            new TokenTree.Prediction[] { new(2, 2, 4), new(2, 3, 5), new(0, 2, 7), new(1, 2, 8), new(3, 1, 9), new(3, 4, 9) },
            tree.Predictions);
        Assert.IsTrue(tree.IsBranched);
    }

    [TestMethod]
    public void SequencesThatDifferInTheirLastTokenAloneNeedNoMask() =>
        Assert.IsFalse(Only([new([1, 2, 3, 7], 1), new([1, 2, 3, 8], 1)]).IsBranched);

    [TestMethod]
    public void ATokenSeesTheWayToItAlone()
    {
        TokenTree tree = Only([new([1, 2, 3, 4, 0], 1), new([1, 2, 5, 6, 0], 1)]);
        const int Padded = 7;
        var mask = new bool[Padded * Padded];
        tree.Mark(mask, Padded);
        string[] rows = [.. mask.Chunk(Padded).Select(row => string.Concat(row.Select(sees => sees ? 'x' : '.')))];
        CollectionAssert.AreEqual(
            new[] { "x......", "xx.....", "xxx....", "xxxx...", "xx..x..", "xx..xx.", "......x" }, rows);
    }

    [TestMethod]
    public void SequencesWithNothingInCommonAreRowsOfTheirOwn()
    {
        TokenTree[][] batches = [.. TokenTreePlan.Batches([new([1, 2, 3], 1), new([2, 2, 3, 4], 1), new([3, 3], 0)], 8, 24, 100)];
        CollectionAssert.AreEqual(
            new[] { 3, 2 }, batches.Single().Select(tree => tree.Count).ToArray(), "longest first, and none of no use");
    }

    [TestMethod]
    [DataRow(1, 4)]
    [DataRow(14, 2)]
    [DataRow(1000, 1)]
    public void ABatchKeepsToItsTokens(int batchTokens, int expected)
    {
        ScoredTokens[] sequences = [.. Enumerable.Range(1, 4).Select(i => new ScoredTokens([i, 1, 2, 3, 4, 5, 6, 7], 1))];
        Assert.AreEqual(expected, TokenTreePlan.Batches(sequences, 8, 24, batchTokens).Count());
    }

    private static TokenTree Only(ScoredTokens[] sequences) => TokenTreePlan.Batches(sequences, 16, 6000, 100).Single().Single();
}
