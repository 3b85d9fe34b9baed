using Microsoft.ML.Reversible.Evaluation;

namespace Microsoft.ML.Reversible.Tests.Evaluation;

[TestClass]
public sealed class PerplexityBootstrapTests
{
    /// <summary>What CPython gives for the resamples of random.Random(0) to random.Random(99), a thousand from each by choices.</summary>
    [TestMethod]
    public void TheErrorIsThatOfPythonsResamples()
    {
        Assert.AreEqual(31.311888911061207, PerplexityBootstrap.StandardError([-1, -3, -5]), 1e-9);
        double[] values = [.. Enumerable.Range(0, 20).Select(i => -(i * 37 % 11) / 4.0 - 0.5)];
        Assert.AreEqual(1.0778560060313196, PerplexityBootstrap.StandardError(values), 1e-9);
    }

    [TestMethod]
    public void OverManyItemsItNearsTheErrorOfTheMeanTimesThePerplexity()
    {
        var random = new Random(3);
        double[] values = [.. Enumerable.Range(0, 2000).Select(_ => -random.NextDouble())];
        double mean = values.Average(), deviation = Math.Sqrt(values.Sum(x => (x - mean) * (x - mean)) / (values.Length - 1));
        double first = Math.Exp(-mean) * deviation / Math.Sqrt(values.Length);
        Assert.AreEqual(first, PerplexityBootstrap.StandardError(values), 0.01 * first);
    }

    [TestMethod]
    public void OneItemHasNoError()
    {
        Assert.IsTrue(double.IsNaN(PerplexityBootstrap.StandardError([])));
        Assert.IsTrue(double.IsNaN(PerplexityBootstrap.StandardError([-1])));
    }

    [TestMethod]
    public void ItCanBeCancelled() => Assert.ThrowsExactly<OperationCanceledException>(
        () => PerplexityBootstrap.StandardError([-1, -2], new CancellationToken(canceled: true)));
}
