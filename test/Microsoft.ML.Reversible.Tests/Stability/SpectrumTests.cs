using System.Numerics;
using Microsoft.ML.Reversible.Stability;
using Microsoft.ML.Reversible.Stack;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Stability;

[TestClass]
public sealed class SpectrumTests
{
    private static readonly double[] Slow = [.. Enumerable.Range(0, 60).Select(k => -1.0 / (k + 1))];

    /// <summary>Eigenvalues of a block at a random state, the whole matrix or an iteration of so many steps.</summary>
    private static IReadOnlyList<EigenvalueEstimate> Of(double[,] matrix, int context = 1, int? krylov = null)
    {
        using var scope = NewDisposeScope();
        using var block = new LinearBlock(matrix);
        using var random = new Generator(7);
        Tensor state = randn([1, context, matrix.GetLength(0)], dtype: ScalarType.Float64, generator: random);
        var jacobian = new TransposedJacobian([(block, state)]);
        IReadOnlyList<EigenvalueEstimate> found = krylov is { } steps
            ? Spectrum.Arnoldi(jacobian.Apply, jacobian.Size, steps, seed: 1, CPU)
            : Spectrum.Of(jacobian, krylovDimension: 1, seed: 1);
        Assert.IsFalse(block.HasGradient, "parameters' gradients are left alone");
        return found;
    }

    private static void AssertSame(IEnumerable<Complex> expected, IEnumerable<EigenvalueEstimate> found, double tolerance)
    {
        List<Complex> left = [.. found.Select(e => e.Value)];
        foreach (Complex value in expected)
        {
            Complex nearest = left.MinBy(v => (v - value).Magnitude);
            Assert.AreEqual(0, (nearest - value).Magnitude, tolerance, $"{value} is not among {string.Join(", ", left)}");
            left.Remove(nearest);
        }
        Assert.IsEmpty(left);
    }

    public static IEnumerable<object[]> Known =>
    [
        ["rotations", LinearBlock.Rotation(0.5, 3), new Complex[] { new(0, 0.5), new(0, -0.5), new(0, 3), new(0, -3) }, 1e-12],
        ["negative", LinearBlock.Diagonal(-4, -1, -0.25), new Complex[] { -4, -1, -0.25 }, 1e-12],
        ["positive", LinearBlock.Diagonal(0.1, 2, 7), new Complex[] { 0.1, 2, 7 }, 1e-12],
        ["both signs", LinearBlock.Diagonal(-3, 3, 0, 1e-3), new Complex[] { -3, 3, 0, 1e-3 }, 1e-12],
        ["zero", LinearBlock.Diagonal(0, 0, 0), new Complex[] { 0, 0, 0 }, 0.0],
        ["tiny", LinearBlock.Rotation(1e-100), new Complex[] { new(0, 1e-100), new(0, -1e-100) }, 1e-112],
        // A defective eigenvalue of multiplicity 3 answers rounding with its cube root.
        ["nilpotent", LinearBlock.Jordan(0, 3), new Complex[] { 0, 0, 0 }, 1e-4],
        ["defective", LinearBlock.Jordan(2, 3), new Complex[] { 2, 2, 2 }, 1e-4],
    ];

    [TestMethod]
    [DynamicData(nameof(Known))]
    public void TheWholeMatrixGivesTheExactEigenvalues(string _, double[,] matrix, Complex[] expected, double tolerance)
    {
        AssertSame(expected, Of(matrix), tolerance);
        AssertSame(expected, Of(LinearBlock.Turned(matrix)), tolerance);
    }

    [TestMethod]
    [DynamicData(nameof(Known))]
    public void AnIterationThatSpansEverythingGivesTheExactEigenvalues(string _, double[,] matrix, Complex[] expected, double tolerance)
    {
        IReadOnlyList<EigenvalueEstimate> found = Of(LinearBlock.Turned(matrix), krylov: matrix.GetLength(0));
        // A multiple eigenvalue with several eigenvectors turns up once: from one start, one combination of them is seen.
        Complex[] seen = found.Count < expected.Length ? [.. expected.Distinct()] : expected;
        AssertSame(seen, found, Math.Max(tolerance, 1e-12));
        Assert.IsTrue(found.All(e => e.Residual <= 1e-4));
    }

    [TestMethod]
    public void AllTokensOfAWindowShareTheBlocksEigenvalues()
    {
        AssertSame([new(0, 2), new(0, -2), new(0, 2), new(0, -2), new(0, 2), new(0, -2)], Of(LinearBlock.Rotation(2), context: 3), 1e-12);
        AssertSame([new(0, 2), new(0, -2)], Of(LinearBlock.Rotation(2), context: 100, krylov: 20), 1e-10);
    }

    [TestMethod]
    public void FewStepsFindTheOuterEigenvaluesAndSayHowWell()
    {
        IReadOnlyList<EigenvalueEstimate> found = Of(LinearBlock.Turned(LinearBlock.Diagonal([.. Slow, 0.5, -2])), krylov: 25);
        Assert.HasCount(25, found);
        Assert.AreEqual(-2, found.MinBy(e => e.Value.Real).Value.Real, 1e-6);
        Assert.AreEqual(0.5, found.MaxBy(e => e.Value.Real).Value.Real, 1e-6);
        // A symmetric matrix has an eigenvalue within the residual of every estimate.
        foreach (EigenvalueEstimate e in found)
            Assert.IsLessThan(e.Residual + 1e-9, Slow.Concat([0.5, -2]).Min(value => (value - e.Value).Magnitude));
    }

    [TestMethod]
    public void RotationsOfALargeStateStayImaginary()
    {
        double[] frequencies = [.. Enumerable.Range(1, 50).Select(k => k / 50.0)];
        IReadOnlyList<EigenvalueEstimate> found = Of(LinearBlock.Rotation(frequencies), krylov: 60);
        Assert.AreEqual(0, found.Max(e => Math.Abs(e.Value.Real)), 1e-10);
        Assert.AreEqual(1, found.Max(e => e.Value.Imaginary), 1e-3);
    }

    [TestMethod]
    public void FunctionsInTurnHaveTheEigenvaluesOfTheirProduct()
    {
        using var scope = NewDisposeScope();
        using var first = new LinearBlock(new double[,] { { 1, 2 }, { 3, 4 } });
        using var second = new LinearBlock(new double[,] { { 0, 1 }, { -1, 0 } });
        using Tensor state = ones([1, 1, 2], dtype: ScalarType.Float64);
        // second · first = [[3, 4], [-1, -2]]; first · second would be another matrix with the same eigenvalues, 2 and -1.
        var jacobian = new TransposedJacobian([(first, state), (second, state)]);
        AssertSame([2, -1], Spectrum.Of(jacobian, 1, 1), 1e-12);
        CollectionAssert.AreEqual(new double[] { 3, 4 }, jacobian.Apply(tensor([1.0, 0.0])).data<double>().ToArray());
        CollectionAssert.AreEqual(new double[] { -1, -2 }, jacobian.Apply(tensor([0.0, 1.0])).data<double>().ToArray());
    }

    [TestMethod]
    public void AFunctionThatDoesNotDependOnItsInputHasNothingButZeros()
    {
        using var scope = NewDisposeScope();
        using var block = new ConstantBlock();
        AssertSame([0, 0], Spectrum.Of(new TransposedJacobian([(block, ones([1, 1, 2]))]), 1, 1), 0);
        AssertSame([0], Spectrum.Of(new TransposedJacobian([(block, ones([1, 50, 2]))]), 10, 1), 0);
    }

    [TestMethod]
    public void ProductsThatAreNotFiniteAreRefused()
    {
        foreach (int? krylov in new int?[] { null, 2 })
        {
            var e = Assert.ThrowsExactly<InvalidOperationException>(() => Of(LinearBlock.Diagonal(double.NaN, 1), krylov: krylov));
            StringAssert.Contains(e.Message, "not finite");
        }
    }

    private sealed class ConstantBlock() : nn.Module<Tensor, Tensor>(nameof(ConstantBlock))
    {
        public override Tensor forward(Tensor input) => ones_like(input);
    }
}
