using Microsoft.ML.Reversible.Benchmarks;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Benchmarks;

[TestClass]
public sealed class GradientDriftTests
{
    [TestMethod]
    [DataRow(ScalarType.Float64, 0, 1e-6)]
    [DataRow(ScalarType.Float32, 1e-8, 1e-6)]
    [DataRow(ScalarType.BFloat16, 1e-4, 2e-2)]
    public void TheErrorIsThatOfTheBlocksNumberType(ScalarType compute, double least, double most)
    {
        double error = GradientDrift.Error(new Midpoint(), Arithmetic.Float, BackwardMode.Reversible, compute, depth: 3, CPU);
        Assert.IsGreaterThanOrEqualTo(least, error);
        Assert.IsLessThan(most, error);
    }
}
