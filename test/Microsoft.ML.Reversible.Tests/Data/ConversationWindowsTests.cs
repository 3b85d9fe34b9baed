using Microsoft.ML.Reversible.Data;

namespace Microsoft.ML.Reversible.Tests.Data;

[TestClass]
public sealed class ConversationWindowsTests
{
    private const long Ignored = TokenBatch.Ignored;

    [TestMethod]
    public void TargetsAreTheLearnedTokensAlone()
    {
        using ConversationTokens tokens = Tokens(10, ([1, 2, 3, 4, 5], [false, false, true, false, true]));
        TokenBatch batch = Windows(tokens).Training(0, 1);
        CollectionAssert.AreEqual(new long[] { 1, 2, 3, 4 }, batch.Inputs);
        CollectionAssert.AreEqual(new[] { Ignored, 3, Ignored, 5 }, batch.Targets);
        Assert.AreEqual(2, batch.TargetCount);
        Assert.AreEqual(2, tokens.LearnedCount);
    }

    [TestMethod]
    public void AConversationIsCutAfterItsLastLearnedToken()
    {
        using ConversationTokens tokens = Tokens(10, ([1, 2, 3, 4, 5], [false, true, true, false, false]));
        Assert.AreEqual(2, tokens.InputsOf(0));
        Assert.AreEqual(3, tokens.TokenCount);
        Assert.AreEqual(0, tokens.Truncated);
    }

    [TestMethod]
    public void ALongConversationIsTruncatedAndOneWithoutALearnedTokenInTheRestIsDropped()
    {
        using ConversationTokens tokens = Tokens(
            3, ([1, 2, 3, 4, 5], [false, false, true, true, true]), ([1, 2, 3, 4], [false, false, false, true]),
            ([9], [true]), ([1, 2], [false, true]));
        Assert.AreEqual(2, tokens.Count);
        Assert.AreEqual(1, tokens.Truncated);
        Assert.AreEqual(2, tokens.Dropped);
        TokenBatch batch = Windows(tokens, packing: false).Training(0, 2);
        CollectionAssert.AreEquivalent(new[] { 3L, 2, Ignored, Ignored }, batch.Targets);
    }

    [TestMethod]
    public void TheFirstTokenIsNoTarget()
    {
        using ConversationTokens tokens = Tokens(10, ([7, 8], [true, true]));
        Assert.AreEqual(1, tokens.LearnedCount);
        CollectionAssert.AreEqual(new long[] { 8 }, Windows(tokens).Training(0, 1).Targets);
    }

    [TestMethod]
    public void APackedWindowHasSeveralConversationsAndTheirNumbers()
    {
        using ConversationTokens tokens = Tokens(7, Counting(10, 3), Counting(20, 7), Counting(30, 4), Counting(40, 2));
        ConversationWindows windows = Windows(tokens, context: 6);
        Assert.AreEqual(2, windows.WindowsPerEpoch);
        TokenBatch[] batches = [.. windows.HeldOut(2)];
        Assert.IsEmpty(batches);
        TokenBatch batch = windows.Training(0, 2);
        int first = batch.Inputs[0] == 10 ? 0 : 6;
        CollectionAssert.AreEqual(new long[] { 10, 11, 30, 31, 32, 40 }, batch.Inputs[first..(first + 6)]);
        CollectionAssert.AreEqual(new[] { 0, 0, 1, 1, 1, 2 }, batch.Documents![first..(first + 6)]);
        CollectionAssert.AreEqual(new long[] { 20, 21, 22, 23, 24, 25 }, batch.Inputs[(6 - first)..(12 - first)]);
        CollectionAssert.AreEqual(new[] { 0, 0, 0, 0, 0, 0 }, batch.Documents[(6 - first)..(12 - first)]);
    }

    [TestMethod]
    public void ConversationsThatSeeEachOtherHaveNoNumbers()
    {
        using ConversationTokens tokens = Tokens(7, Counting(10, 3), Counting(20, 4));
        Assert.IsNull(Windows(tokens, context: 6, crosses: true).Training(0, 1).Documents);
        Assert.IsNotNull(Windows(tokens, context: 6).Training(0, 1).Documents);
        Assert.IsNull(Windows(tokens, context: 6, packing: false).Training(0, 1).Documents);
    }

    [TestMethod]
    public void PaddingRepeatsTheLastTokenAndIsADocumentOfItsOwn()
    {
        using ConversationTokens tokens = Tokens(9, Counting(10, 3), Counting(20, 4), Counting(30, 8));
        TokenBatch batch = Windows(tokens, context: 8).Training(0, 2);
        int first = batch.Inputs[0] == 10 ? 0 : 7;
        CollectionAssert.AreEqual(new long[] { 10, 11, 20, 21, 22, 22, 22 }, batch.Inputs[first..(first + 7)]);
        CollectionAssert.AreEqual(new[] { 0, 0, 1, 1, 1, 2, 2 }, batch.Documents![first..(first + 7)]);
        CollectionAssert.AreEqual(new[] { Ignored, Ignored }, batch.Targets[(first + 5)..(first + 7)]);
    }

    [TestMethod]
    public void AnEpochHasEachWindowOnceInAnOrderOfSeedAndPlace()
    {
        using ConversationTokens tokens = Tokens(9, [.. Enumerable.Range(0, 23).Select(i => Counting(i * 10, 6))]);
        ConversationWindows windows = Windows(tokens, context: 5, seed: 3);
        long[] epoch = First(windows, 0, 23), second = First(windows, 23, 23);
        CollectionAssert.AreEquivalent(Enumerable.Range(0, 23).Select(i => i * 10L).ToArray(), epoch);
        CollectionAssert.AreEquivalent(epoch, second);
        CollectionAssert.AreNotEqual(epoch, second);
        CollectionAssert.AreEqual(epoch[7..12], First(Windows(tokens, context: 5, seed: 3), 7, 5));
        CollectionAssert.AreNotEqual(epoch, First(Windows(tokens, context: 5, seed: 4), 0, 23));

        static long[] First(ConversationWindows windows, long place, int count) =>
            [.. Enumerable.Range(0, count).Select(i => windows.Training(place + i, 1).Inputs[0])];
    }

    [TestMethod]
    public void TheHeldOutPartComesInOrderAndIsNotTrainedOn()
    {
        using ConversationTokens tokens = Tokens(9, [.. Enumerable.Range(0, 10).Select(i => Counting(i * 10, 6))]);
        var windows = new ConversationWindows(tokens, 7, 5, "", packing: true, crosses: false, seed: 1);
        Assert.AreEqual(7, windows.WindowsPerEpoch);
        CollectionAssert.AreEqual(new long[] { 70, 80, 90 }, windows.HeldOut(2).SelectMany(Firsts).ToArray());
        CollectionAssert.AreEqual(new long[] { 70 }, windows.HeldOut(2, most: 1).SelectMany(Firsts).ToArray());

        static IEnumerable<long> Firsts(TokenBatch batch) => Enumerable.Range(0, batch.Rows).Select(row => batch.Inputs[row * 5]);
    }

    [TestMethod]
    public void TheHashDependsOnIdsOnLearningAndOnBoundaries()
    {
        string[] hashes =
        [
            Hash(Counting(1, 4)), Hash(Counting(2, 4)), Hash(([1, 2, 3, 4], [false, false, true, true])),
            Hash(Counting(1, 2), Counting(3, 2)), Hash(Counting(1, 4), Counting(3, 2)),
        ];
        Assert.HasCount(hashes.Length, hashes.Distinct());
        Assert.AreEqual(hashes[0], Hash(Counting(1, 4)));

        static string Hash(params (int[], bool[])[] conversations)
        {
            using ConversationTokens tokens = Tokens(9, conversations);
            return tokens.Hash();
        }
    }

    /// <summary>A conversation whose tokens count, and of which all but the first are learned.</summary>
    private static (int[], bool[]) Counting(int first, int count) =>
        ([.. Enumerable.Range(first, count)], [.. Enumerable.Range(0, count).Select(i => i > 0)]);

    private static ConversationTokens Tokens(int most, params (int[] Ids, bool[] Learned)[] conversations)
    {
        var tokens = new ConversationTokens(most);
        foreach ((int[] ids, bool[] learned) in conversations) tokens.Add(ids, learned);
        return tokens;
    }

    private static ConversationWindows Windows(
        ConversationTokens tokens, int context = 9, bool packing = true, bool crosses = false, int seed = 1) =>
        new(tokens, tokens.Count, context, "", packing, crosses, seed);
}
