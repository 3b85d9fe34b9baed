using Microsoft.ML.Reversible.Text;

namespace Microsoft.ML.Reversible.Tests.Text;

[TestClass]
public class TokenWindowsTests
{
    private static readonly int[] _stream = [.. Enumerable.Range(0, 100)];

    [TestMethod]
    public void TargetsAreTheTokensAfterTheInputs()
    {
        TokenBatch batch = new TokenWindows(_stream, 7, 0.2).Sample(new Random(1), 5);

        Assert.AreEqual(5, batch.Rows);
        CollectionAssert.AreEqual(batch.Inputs.Select(id => id + 1).ToArray(), batch.Targets);
        for (int row = 0; row < 5; row++)
            CollectionAssert.AreEqual(
                Enumerable.Range(0, 7).Select(i => batch.Inputs[row * 7] + i).ToArray(), batch.Inputs[(row * 7)..(row * 7 + 7)]);
    }

    [TestMethod]
    public void RandomWindowsStartEverywhereInTheTrainingPartAndNowhereElse()
    {
        var windows = new TokenWindows(_stream, 7, 0.2);

        TokenBatch batch = windows.Sample(new Random(1), 5000);

        Assert.AreEqual(80, windows.TrainingTokens);
        long[] starts = [.. Enumerable.Range(0, 5000).Select(row => batch.Inputs[row * 7]).Distinct().Order()];
        CollectionAssert.AreEqual(Enumerable.Range(0, 73).Select(start => (long)start).ToArray(), starts);
        Assert.AreEqual(79, batch.Targets.Max());
    }

    [TestMethod]
    public void OneSeedGivesOneBatch()
    {
        var windows = new TokenWindows(_stream, 7, 0.2);

        CollectionAssert.AreEqual(windows.Sample(new Random(4), 9).Inputs, windows.Sample(new Random(4), 9).Inputs);
        CollectionAssert.AreNotEqual(windows.Sample(new Random(4), 9).Inputs, windows.Sample(new Random(5), 9).Inputs);
    }

    [TestMethod]
    public void HeldOutWindowsFollowOneAnotherAndAPartialOneIsLeftOut()
    {
        TokenBatch[] batches = [.. new TokenWindows(_stream, 6, 0.2).HeldOut(2)];

        // The 20 held-out tokens hold three windows of six inputs; a fourth would need 25 tokens.
        CollectionAssert.AreEqual(new[] { 2, 1 }, batches.Select(batch => batch.Rows).ToArray());
        CollectionAssert.AreEqual(
            Enumerable.Range(80, 18).Select(id => (long)id).ToArray(), batches.SelectMany(batch => batch.Inputs).ToArray());
        CollectionAssert.AreEqual(
            Enumerable.Range(81, 18).Select(id => (long)id).ToArray(), batches.SelectMany(batch => batch.Targets).ToArray());
    }

    [TestMethod]
    public void ThePartsMayHoldOneWindowEach()
    {
        var windows = new TokenWindows(_stream[..16], 7, 0.5);

        Assert.AreEqual(0, windows.Sample(new Random(1), 1).Inputs[0]);
        Assert.AreEqual(8, windows.HeldOut(4).Single().Inputs[0]);
    }

    [TestMethod]
    [DataRow(15, 0.5, "held-out")]
    [DataRow(15, 0.6, "training")]
    [DataRow(7, 0.0, "training")]
    public void APartWithoutAWindowIsRefusedWithTheNumbers(int tokens, double heldOut, string part)
    {
        var e = Assert.ThrowsExactly<InvalidOperationException>(() => new TokenWindows(_stream[..tokens], 7, heldOut));

        StringAssert.Contains(e.Message, $"{tokens} tokens");
        StringAssert.Contains(e.Message, part);
        StringAssert.Contains(e.Message, "needs 8");
    }

    [TestMethod]
    public void NothingHeldOutGivesNoHeldOutWindows() => Assert.IsEmpty(new TokenWindows(_stream, 7, 0).HeldOut(4));
}
