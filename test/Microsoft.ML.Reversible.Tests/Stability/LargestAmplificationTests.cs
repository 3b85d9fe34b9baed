using Microsoft.ML.Reversible.Stability;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Stability;

[TestClass]
public sealed class LargestAmplificationTests
{
    private static double Of(double[,] matrix, int dimension, double scale = 1, CancellationToken token = default)
    {
        using var scope = NewDisposeScope();
        Tensor m = tensor(matrix) * scale;
        return new LargestAmplification(v => m.mv(v), u => m.t().mv(u), m.shape[1]).Find(dimension, seed: 2, CPU, token);
    }

    [TestMethod]
    [DataRow(1.0)]
    [DataRow(1e-200)]
    [DataRow(1e200)]
    public void ItIsFoundWhateverTheSizeOfTheMatrix(double scale)
    {
        double[,] diagonal = LinearBlock.Turned(LinearBlock.Diagonal(-3, 2, 1, 0.5, 0));
        Assert.AreEqual(3, Of(diagonal, 30, scale) / scale, 1e-6);
        // Every eigenvalue of this matrix is 1; its largest singular value is the root of (3 + √5) / 2.
        Assert.AreEqual((1 + Math.Sqrt(5)) / 2, Of(LinearBlock.Jordan(1, 2), 30, scale) / scale, 1e-6);
    }

    [TestMethod]
    public void MoreStepsComeNearerFromBelow()
    {
        double[,] matrix = LinearBlock.Turned(LinearBlock.Diagonal([.. Enumerable.Range(1, 40).Select(k => k / 40.0)]));
        double[] found = [.. new[] { 1, 2, 4, 8, 40 }.Select(dimension => Of(matrix, dimension))];
        for (int i = 1; i < found.Length; i++) Assert.IsGreaterThan(found[i - 1], found[i]);
        Assert.AreEqual(1, found[^1], 1e-4);
        Assert.IsLessThanOrEqualTo(1 + 1e-12, found[^1]);
    }

    [TestMethod]
    public void ZeroIsZeroAndWhatLeavesTheRangeIsInfinite()
    {
        Assert.AreEqual(0, Of(LinearBlock.Diagonal(0, 0), 10));
        Assert.AreEqual(double.PositiveInfinity, Of(LinearBlock.Diagonal(1e308, 1e308), 10, 1e10));
    }

    [TestMethod]
    public void ItCanBeCancelled() => Assert.ThrowsExactly<OperationCanceledException>(
        () => Of(LinearBlock.Diagonal(1, 2), 10, token: new CancellationToken(canceled: true)));
}
