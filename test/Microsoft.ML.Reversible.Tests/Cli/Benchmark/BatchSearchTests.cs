using Microsoft.ML.Reversible.Cli.Benchmark;

namespace Microsoft.ML.Reversible.Tests.Cli.Benchmark;

[TestClass]
public sealed class BatchSearchTests
{
    private static readonly BenchRow Row = new BenchSettings().Configurations().Single().Row();

    [TestMethod]
    [DataRow(8, 100, null, 96, "8 16 32 64 128 96 112 104")]
    [DataRow(8, 5, null, 5, "8 4 6 5")]
    [DataRow(8, 0, null, 0, "8 4 2 1")]
    [DataRow(1, 1, null, 1, "1 2")]
    [DataRow(8, 100, 20, 20, "8 16 20")]
    [DataRow(8, 18, 20, 18, "8 16 20 18")]
    [DataRow(8, 100, 8, 8, "8")]
    public void ItDoublesThenBisectsToWithinAnEighth(int first, int fits, int? most, int largest, string tried)
    {
        List<int> batches = [];
        BatchSearch.Result found = new BatchSearch(first, most).Run(batch =>
        {
            batches.Add(batch);
            return batch <= fits ? Measured(batch, 1) : Row with { Batch = batch, OutOfMemory = true };
        });
        Assert.AreEqual(tried, string.Join(' ', batches));
        Assert.AreEqual(largest, found.Largest);
        Assert.AreEqual(batches.Max() > fits ? "memory" : "max-batch", found.Limit);
        Assert.AreEqual(largest == 0, found.Best is null);
    }

    [TestMethod]
    public void TheBestIsTheFastestAndNotTheLargest()
    {
        BatchSearch.Result found = new BatchSearch(1, 64).Run(batch => Measured(batch, -Math.Abs(batch - 16)));
        Assert.AreEqual((64, 16), (found.Largest, found.Best!.Batch));
    }

    [TestMethod]
    public void AFailureOfAnotherKindIsALimitToo()
    {
        BatchSearch.Result found = new BatchSearch(1, null).Run(batch =>
            batch <= 4 ? Measured(batch, 1) : Row with { Batch = batch, Error = "integer out of range" });
        Assert.AreEqual((4, "error"), (found.Largest, found.Limit));
    }

    private static BenchRow Measured(int batch, double speed) => Row with { Batch = batch, TokensPerS = speed };
}
