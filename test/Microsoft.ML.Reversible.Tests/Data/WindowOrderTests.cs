using Microsoft.ML.Reversible.Data;

namespace Microsoft.ML.Reversible.Tests.Data;

[TestClass]
public class WindowOrderTests
{
    [TestMethod]
    public void EveryNumberHasOnePlace()
    {
        foreach (int count in Enumerable.Range(1, 140).Concat([255, 256, 257, 1000, 1023, 1025, 4095, 4096, 4097, 65536, 100_003]))
        {
            var order = new WindowOrder(count, seed: 3, stream: 1, turn: count);
            var seen = new bool[count];
            for (int place = 0; place < count; place++) seen[order[place]] = true;
            Assert.DoesNotContain(false, seen, $"of {count}");
        }
    }

    [TestMethod]
    [DataRow((1L << 31) + 7)]
    [DataRow(1L << 40)]
    [DataRow(long.MaxValue)]
    public void CountsBeyondMemoryStayInRange(long count)
    {
        var order = new WindowOrder(count, 1, 0, 0);
        long[] numbers = [.. Enumerable.Range(0, 1000).Select(i => order[count - 1 - i])];
        Assert.AreEqual(1000, numbers.Distinct().Count());
        Assert.IsTrue(numbers.All(number => number >= 0 && number < count));
        Assert.IsGreaterThan(count / 4 * 3, numbers.Max(), "spread over the whole range");
    }

    [TestMethod]
    public void SeedStreamAndTurnEachGiveAnotherOrder()
    {
        long[] Of(int seed, int stream, long turn)
        {
            var order = new WindowOrder(50, seed, stream, turn);
            return [.. Enumerable.Range(0, 50).Select(place => order[place])];
        }

        CollectionAssert.AreEqual(Of(1, 2, 3), Of(1, 2, 3));
        CollectionAssert.AreNotEqual(Of(1, 2, 3), Of(4, 2, 3));
        CollectionAssert.AreNotEqual(Of(1, 2, 3), Of(1, 4, 3));
        CollectionAssert.AreNotEqual(Of(1, 2, 3), Of(1, 2, 4));
        CollectionAssert.AreNotEqual(Of(-1, 2, 3), Of(1, 2, 3));
    }

    /// <summary>Over many turns each number takes each place about equally often: chi-squared over 8 x 8 cells of mean 500.</summary>
    [TestMethod]
    public void EveryNumberComesToEveryPlace()
    {
        var counts = new int[8, 8];
        for (int turn = 0; turn < 4000; turn++)
        {
            var order = new WindowOrder(8, seed: 5, stream: 0, turn);
            for (int place = 0; place < 8; place++) counts[place, order[place]]++;
        }
        double chiSquared = counts.Cast<int>().Sum(count => Math.Pow(count - 500, 2) / 500);
        Assert.IsLessThan(49 + 5 * Math.Sqrt(2 * 49), chiSquared);
    }

    [TestMethod]
    public void APlaceOutsideIsRefused()
    {
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new WindowOrder(5, 0, 0, 0)[5]);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new WindowOrder(5, 0, 0, 0)[-1]);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new WindowOrder(0, 0, 0, 0));
    }
}
