using Microsoft.ML.Reversible.Data;

namespace Microsoft.ML.Reversible.Tests.Data;

[TestClass]
public class TokenWindowsTests
{
    [TestMethod]
    public void TargetsAreTheTokensAfterTheInputs()
    {
        using TokenCache cache = TokenCaches.Counting(100);
        TokenBatch batch = new TokenWindows(cache, 7, 0.2).Training(0, 5);

        Assert.AreEqual(5, batch.Rows);
        Assert.AreEqual(35, batch.TargetCount);
        CollectionAssert.AreEqual(batch.Inputs.Select(id => id + 1).ToArray(), batch.Targets);
        for (int row = 0; row < 5; row++)
            CollectionAssert.AreEqual(
                Enumerable.Range(0, 7).Select(i => batch.Inputs[row * 7] + i).ToArray(), batch.Inputs[(row * 7)..(row * 7 + 7)]);
    }

    /// <summary>
    /// As many epochs as the context has tokens contain every possible window once. Windows of one epoch share no target.
    /// </summary>
    [TestMethod]
    [DataRow(81, 7)]
    [DataRow(80, 8)]
    [DataRow(8, 7)]
    [DataRow(9, 7)]
    [DataRow(14, 7)]
    [DataRow(16, 7)]
    [DataRow(20, 1)]
    public void EpochsAreShiftedGridsThatHoldEveryWindowInTheEnd(int tokens, int context)
    {
        using TokenCache cache = TokenCaches.Counting(tokens);
        var windows = new TokenWindows(cache, context, 0, seed: 5);
        int cycle = tokens - context;
        for (int turn = 0; turn < 3; turn++)
        {
            long[] starts = Starts(windows.Training((long)turn * cycle, cycle), context);
            CollectionAssert.AreEquivalent(Enumerable.Range(0, cycle).Select(start => (long)start).ToArray(), starts);

            var grids = new List<List<long>>();
            foreach (long start in starts)
            {
                if (grids.Count == 0 || grids[^1][0] % context != start % context) grids.Add([]);
                grids[^1].Add(start);
            }
            Assert.HasCount(Math.Min(context, cycle), grids, "one grid a shift");
            foreach (List<long> grid in grids)
                Assert.AreEqual((tokens - 1 - grid.Min()) / context, grid.Count, "a grid goes from its shift to the end");
        }
    }

    /// <summary>Every epoch holds each window once, in an order of its own; a window's number names its tokens.</summary>
    [TestMethod]
    [DataRow(81, 7)]
    [DataRow(80, 8)]
    [DataRow(9, 7)]
    [DataRow(20, 1)]
    public void WindowsWithFixedPlacesAreTheSameInEveryEpoch(int tokens, int context)
    {
        using TokenCache cache = TokenCaches.Counting(tokens);
        var windows = new TokenWindows(cache, context, 0, seed: 5, fixedPlaces: true);
        int count = (tokens - 1) / context;
        Assert.AreEqual(count, windows.FixedWindows);
        long[] numbers = [.. Enumerable.Range(0, count)];
        TokenBatch[] inOrder = [.. windows.InOrder(3)];
        CollectionAssert.AreEqual(numbers, inOrder.SelectMany(batch => batch.Windows!).ToArray());
        CollectionAssert.AreEqual(
            numbers.Select(number => number * context).ToArray(), inOrder.SelectMany(batch => Starts(batch, context)).ToArray());
        TokenBatch[] epochs = [.. Enumerable.Range(0, 4).Select(epoch => windows.Training((long)epoch * count, count))];
        foreach (TokenBatch epoch in epochs)
        {
            CollectionAssert.AreEquivalent(numbers, epoch.Windows!);
            CollectionAssert.AreEqual(epoch.Windows!.Select(number => number * context).ToArray(), Starts(epoch, context));
        }
        if (count > 5) Assert.IsTrue(epochs.Any(epoch => !epoch.Windows!.SequenceEqual(epochs[0].Windows!)), "orders differ");
        Assert.IsNull(new TokenWindows(cache, context, 0, seed: 5).Training(0, 1).Windows);
    }

    [TestMethod]
    public void EpochsDifferInOrderAndShift()
    {
        using TokenCache cache = TokenCaches.Counting(1000);
        var windows = new TokenWindows(cache, 4, 0, seed: 1);
        long[] first = Starts(windows.Training(0, 996), 4), second = Starts(windows.Training(996, 996), 4);

        CollectionAssert.AreNotEqual(first, second);
        CollectionAssert.AreNotEqual(first.Order().ToArray(), first);
        long[] shifts = [.. first.Concat(second).Select(start => start % 4)];
        Assert.AreEqual(4, shifts.Take(996).Distinct().Count());
    }

    [TestMethod]
    [DataRow(DocumentBoundaries.PackOver)]
    [DataRow(DocumentBoundaries.Respect)]
    public void ABatchDependsOnTheSeedAndItsPlaceAlone(DocumentBoundaries boundaries)
    {
        using TokenCache cache = TokenCaches.Of(TokenCaches.RandomRows(new Random(2), rows: 30, longest: 20));
        var windows = new TokenWindows(cache, 5, 0.2, boundaries, seed: 4);
        TokenBatch whole = windows.Training(0, 600);

        var again = new TokenWindows(cache, 5, 0.2, boundaries, seed: 4);
        TokenBatch part = again.Training(437, 9);
        CollectionAssert.AreEqual(whole.Inputs[(437 * 5)..(446 * 5)], part.Inputs);
        CollectionAssert.AreEqual(whole.Targets[(437 * 5)..(446 * 5)], part.Targets);
        CollectionAssert.AreEqual(whole.Inputs[..15], again.Training(0, 3).Inputs, "an earlier place after a later one");

        var other = new TokenWindows(cache, 5, 0.2, boundaries, seed: 5);
        CollectionAssert.AreNotEqual(part.Inputs, other.Training(437, 9).Inputs);
    }

    [TestMethod]
    public void TrainingWindowsKeepOutOfTheHeldOutPart()
    {
        using TokenCache cache = TokenCaches.Counting(100);
        var windows = new TokenWindows(cache, 7, 0.2);

        Assert.AreEqual(80, windows.TrainingTokens);
        Assert.AreEqual(20, windows.HeldOutTokens);
        Assert.AreEqual(79, windows.Training(0, 500).Targets.Max());
        Assert.AreEqual(80, windows.HeldOut(4).First().Inputs[0]);
    }

    [TestMethod]
    public void HeldOutWindowsFollowOneAnotherAndAPartialOneIsLeftOut()
    {
        using TokenCache cache = TokenCaches.Counting(100);
        TokenBatch[] batches = [.. new TokenWindows(cache, 6, 0.2).HeldOut(2)];

        // The 20 held-out tokens hold three windows of six inputs; a fourth would need 25 tokens.
        CollectionAssert.AreEqual(new[] { 2, 1 }, batches.Select(batch => batch.Rows).ToArray());
        CollectionAssert.AreEqual(
            Enumerable.Range(80, 18).Select(id => (long)id).ToArray(), batches.SelectMany(batch => batch.Inputs).ToArray());
        CollectionAssert.AreEqual(
            Enumerable.Range(81, 18).Select(id => (long)id).ToArray(), batches.SelectMany(batch => batch.Targets).ToArray());
    }

    [TestMethod]
    [DataRow(1, 1)]
    [DataRow(5, 2, 2, 1)]
    [DataRow(6, 2, 2, 2)]
    [DataRow(100, 2, 2, 2, 2, 1)]
    public void ExactlySoManyHeldOutWindowsAsAreAskedForAreGiven(int most, params int[] rows)
    {
        using TokenCache cache = TokenCaches.Counting(100);
        TokenBatch[] batches = [.. new TokenWindows(cache, 4, 0.4).HeldOut(2, most)];
        CollectionAssert.AreEqual(rows, batches.Select(batch => batch.Rows).ToArray());
    }

    [TestMethod]
    public void ThePartsMayHoldOneWindowEach()
    {
        using TokenCache cache = TokenCaches.Counting(16);
        var windows = new TokenWindows(cache, 7, 0.5);

        CollectionAssert.AreEqual(new long[] { 0, 0, 0 }, Starts(windows.Training(0, 3), 7));
        Assert.AreEqual(8, windows.HeldOut(4).Single().Inputs[0]);
    }

    [TestMethod]
    [DataRow(15, 0.5, "held-out")]
    [DataRow(15, 0.6, "training")]
    [DataRow(7, 0.0, "training")]
    public void APartWithoutAWindowIsRefusedWithTheNumbers(int tokens, double heldOut, string part)
    {
        using TokenCache cache = TokenCaches.Counting(tokens);
        var e = Assert.ThrowsExactly<InvalidOperationException>(() => new TokenWindows(cache, 7, heldOut));

        StringAssert.Contains(e.Message, $"{tokens} tokens");
        StringAssert.Contains(e.Message, part);
        StringAssert.Contains(e.Message, "needs 8");
    }

    [TestMethod]
    [DataRow(DocumentBoundaries.PackOver)]
    [DataRow(DocumentBoundaries.Respect)]
    public void NothingHeldOutGivesNoHeldOutWindows(DocumentBoundaries boundaries)
    {
        using TokenCache cache = TokenCaches.Counting(100);
        var windows = new TokenWindows(cache, 7, 0, boundaries);
        Assert.AreEqual(0, windows.HeldOutTokens);
        Assert.IsEmpty(windows.HeldOut(4));
    }

    [TestMethod]
    public void ANegativePlaceIsRefused()
    {
        using TokenCache cache = TokenCaches.Counting(100);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new TokenWindows(cache, 7, 0).Training(-1, 1));
    }

    private static long[] Starts(TokenBatch batch, int context) =>
        [.. Enumerable.Range(0, batch.Rows).Select(row => batch.Inputs[row * context])];
}
