using Microsoft.ML.Reversible.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Kernels;

/// <summary>Tests masks that are functions of their words.</summary>
[TestClass]
public sealed class CounterMaskTests
{
    [TestMethod]
    [DataRow(1, 1)]
    [DataRow(3, 31)]
    [DataRow(7, 32)]
    [DataRow(50, 100)]
    [DataRow(2, 40_000)]
    [DataRow(9000, 5)]
    [DataRow(0, 5)]
    public void EachWayToDrawGivesTheSameMask(int rows, int columns)
    {
        using var scope = NewDisposeScope();
        (Tensor row, Tensor column) = (Words(rows, 1).view(rows, 1), Words(columns, 2));
        foreach (double rate in (double[])[1e-12, 0.1, 0.5, 0.999, 1 - 1e-12])
        {
            Tensor plain = CounterMask.Plain(row, column, rate), drawn = CounterMask.Draw(row, column, rate);
            Assert.AreEqual(ScalarType.Bool, drawn.dtype);
            Assert.IsTrue(TestModels.SameBits(plain, drawn), $"{rate}");
            for (int call = 0; call < 4; call++)
                Assert.IsTrue(TestModels.SameBits(plain, CounterMask.Script(row, column, rate)), $"{rate}");
        }
    }

    [TestMethod]
    [TestCategory("Cuda")]
    public void AMaskOnCudaIsThatOfTheCpu()
    {
        Device device = TestModels.RequireCuda();
        using var scope = NewDisposeScope();
        (Tensor row, Tensor column) = (Words(3 * 70 * 5, 1).view(3, 70, 5, 1), Words(333, 2));
        Tensor expected = CounterMask.Draw(row, column, 0.3);
        for (int call = 0; call < 6; call++)
            Assert.IsTrue(TestModels.SameBits(expected, CounterMask.Draw(row.to(device), column.to(device), 0.3)), $"call {call}");
    }

    [TestMethod]
    public void RowsOfAnyShapeAreDrawn()
    {
        using var scope = NewDisposeScope();
        (Tensor row, Tensor column) = (Words(6 * 4, 1).view(6, 4, 1).transpose(0, 1), Words(10, 2));
        Tensor drawn = CounterMask.Draw(row, column, 0.5);
        CollectionAssert.AreEqual(new long[] { 4, 6, 10 }, drawn.shape);
        Assert.IsTrue(TestModels.SameBits(CounterMask.Plain(row, column, 0.5), drawn));
    }

    /// <remarks>The mean of n independent elements is within 6 √(p (1-p) / n) + 8 / n of p, save in one of many millions.</remarks>
    [TestMethod]
    [DataRow(0.01)]
    [DataRow(0.1)]
    [DataRow(0.5)]
    [DataRow(0.9)]
    public void ElementsAreDrawnAtTheRateAndIndependently(double rate)
    {
        using var scope = NewDisposeScope();
        Tensor mask = CounterMask.Draw(Words(1000, 1).view(-1, 1), Words(512, 2), rate).to(ScalarType.Float64);
        Assert.AreEqual(rate, mask.mean().ToDouble(), Margin(rate, mask.numel()));
        AssertWithin(mask.mean([0]), rate, mask.shape[0]);
        AssertWithin(mask.mean([1]), rate, mask.shape[1]);
        // Neighbours in a row, in a column, and in the mask of neighbouring words agree as often as independent ones do.
        double both = rate * rate;
        AssertWithin((mask.narrow(1, 1, 511) * mask.narrow(1, 0, 511)).mean([0]), both, 1000);
        AssertWithin((mask.narrow(0, 1, 999) * mask.narrow(0, 0, 999)).mean([0]), both, 999);
        Tensor counted = CounterMask.Draw(arange(1000, dtype: ScalarType.Int32).view(-1, 1), Words(512, 2), rate).to(ScalarType.Float64);
        AssertWithin((counted.narrow(0, 1, 999) * counted.narrow(0, 0, 999)).mean([0]), both, 999);
    }

    private static void AssertWithin(Tensor means, double expected, long count) =>
        Assert.IsLessThan(Margin(expected, count), (means - expected).abs().max().ToDouble(), $"{expected}");

    private static double Margin(double rate, long count) => 6 * Math.Sqrt(rate * (1 - rate) / count) + 8.0 / count;

    private static Tensor Words(int count, int seed)
    {
        var random = new Random(seed);
        return tensor([.. Enumerable.Range(0, count).Select(_ => unchecked((int)random.NextInt64()))], dtype: ScalarType.Int32);
    }
}
