using System.Numerics;
using Microsoft.ML.Reversible.Schemes;
using Microsoft.ML.Reversible.Stability;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Stability;

/// <summary>
/// Every bound of the page's tables, by running an error of 1e-3 of one state through 1,000 layers of the schemes' own steps: just inside,
/// at the bound, just outside.
/// </summary>
[TestClass]
public sealed class SchemeBoundsTests
{
    private const int LayerCount = 1000;
    private const double Error = 1e-3;

    /// <summary>f multiplies by λ; the Hamiltonian scheme's second half by another number.</summary>
    private static double[] Run(Scheme scheme, Complex eigenvalue, bool back, Complex? second = null)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        Scheme bound = scheme.Bind(LayerCount, seed: 0);
        Tensor[] functions = [Matrix(eigenvalue), Matrix(second ?? eigenvalue)];
        Func<int, Tensor>? draw = bound.Draw(LayerCount, 1, 0, CPU);
        Tensor other = zeros([1, 1, 2], dtype: ScalarType.Float64), state = zeros_like(other);
        state[0, 0, 0] = Error;
        var sizes = new double[LayerCount];
        for (int l = 0; l < LayerCount; l++)
        {
            using var step = NewDisposeScope();
            using var layer = new Layer(l, null, keeps: false) { Drawn = draw?.Invoke(l).DetachFromDisposeScope() };
            Tensor f = state.matmul(functions[l % 2].t());
            Tensor next = (back ? bound.Inverse(layer, state, other, f) : bound.Forward(layer, other, state, f)).MoveToOuterDisposeScope();
            (other, state) = (state, next);
            sizes[l] = state.norm().item<double>();
        }
        return sizes;

        static Tensor Matrix(Complex x) => tensor(new[,] { { x.Real, -x.Imaginary }, { x.Imaginary, x.Real } });
    }

    private static void AssertBounded(double[] sizes) => Assert.IsLessThan(25 * Error, sizes.Max());

    /// <summary>1e-3 becomes 1.0.</summary>
    private static void AssertLinear(double[] sizes, double last = Error * (LayerCount + 1))
    {
        Assert.AreEqual(last, sizes[^1], 1e-6);
        Assert.AreEqual(last / 2, sizes[LayerCount / 2 - 1], 2e-3);
    }

    private static void AssertGrows(double[] sizes) => Assert.IsGreaterThan(1e4 * Error, sizes[^1]);

    private static void AssertDecays(double[] sizes) => Assert.IsLessThan(1e-3 * Error, sizes[^1]);

    private static void AssertKeeps(double[] sizes)
    {
        Assert.AreEqual(sizes[LayerCount / 2], sizes[^1], 1e-9);
        Assert.IsTrue(sizes[^1] is > 0.3 * Error and < 4 * Error);
    }

    [TestMethod]
    [DataRow(1.0)]
    [DataRow(-1.0)]
    public void TheMidpointBoundsAreStrict(double sign)
    {
        foreach (bool back in new[] { false, true })
        {
            foreach (Scheme scheme in new Scheme[] { new Midpoint(0.25), new IteratedInverse { A = 1 } })
            {
                double toVariable = LayerRecurrence.Of(scheme, 2)[1].Choices[0].C;
                double[] At(double imaginary, double real = 0) => Run(scheme, new Complex(real, sign * imaginary) / toVariable, back);
                AssertBounded(At(0));
                AssertBounded(At(1.99));
                AssertLinear(At(2));
                AssertGrows(At(2.01));
                AssertGrows(At(1, 0.03));
                AssertGrows(At(1, -0.03));
            }
        }
    }

    [TestMethod]
    [DataRow(0.0, -0.01)]
    [DataRow(-4.0, 0.01)]
    public void TheLeapfrogBoundsAreStrict(double end, double inwards)
    {
        foreach (bool back in new[] { false, true })
        {
            foreach (Scheme scheme in new Scheme[] { new Leapfrog(0.5), new IteratedInverse { A = -1 } })
            {
                double toVariable = LayerRecurrence.Of(scheme, 2)[1].Choices[0].C;
                double[] At(double real) => Run(scheme, real / toVariable, back);
                AssertBounded(At(end + inwards));
                AssertLinear(At(end));
                AssertGrows(At(end - inwards));
            }
        }
    }

    [TestMethod]
    public void TheHamiltonianBoundsAreStrictButWhereNeitherHalfChanges()
    {
        foreach (bool back in new[] { false, true })
        {
            double[] At(double attention, double mlp) => Run(Scheme.Hamiltonian, attention, back, mlp);
            AssertBounded(At(0.1, -0.1));
            AssertBounded(At(0.1, -39.9));
            // q⁺ = q + p with p constant: half of the 1,000 steps add 1e-3.
            Assert.AreEqual(Error * LayerCount / 2, At(1, 0)[^2], 1e-9);
            Assert.IsGreaterThan(0.9, At(2, -2).Max());
            AssertGrows(At(0.1, 0.1));
            AssertGrows(At(2, -2.01));
            AssertBounded(At(0, 0));
        }
    }

    public static IEnumerable<object[]> Decaying =>
    [
        [new Bdia { Signs = BdiaSigns.Positive }, -2.0 / 3],
        [new Bdia { Signs = BdiaSigns.Negative }, -6.0],
        [Bdia.Blend(16), -30.0 / 17],
        [new IteratedInverse { A = 0.5 }, -1.0],
        [new IteratedInverse { A = -0.5 }, -3.0],
        [new MidpointA { StepSize = 0.5, Factors = [.. Enumerable.Repeat(0.5, LayerCount)] }, -2.0],
        [new MidpointA { Factors = [.. Enumerable.Repeat(-0.5, LayerCount)] }, -3.0],
        [Scheme.Residual, -2.0],
    ];

    [TestMethod]
    [DynamicData(nameof(Decaying))]
    public void ErrorsDecayForwardInsideAndKeepTheirSizeAtBothEnds(Scheme scheme, double end)
    {
        Recurrence step = LayerRecurrence.Of(scheme, LayerCount)[1].Choices[0];
        Assert.AreEqual(end, step.DecayBound, 1e-12);
        // So far from an end the root that crosses the circle there is 1% off it.
        double margin = 0.01 * (1 + step.A) / step.C;
        AssertKeeps(Run(scheme, end, back: false));
        AssertDecays(Run(scheme, end + margin, back: false));
        AssertGrows(Run(scheme, end - margin, back: false));
        AssertKeeps(Run(scheme, 0, back: false));
        AssertDecays(Run(scheme, -margin, back: false));
        AssertGrows(Run(scheme, margin, back: false));
    }

    [TestMethod]
    [DataRow(0.5)]
    [DataRow(-0.8)]
    public void InsideTheEllipseOfComplexEigenvaluesErrorsDecayToo(double a)
    {
        var scheme = new MidpointA { Factors = [.. Enumerable.Repeat(a, LayerCount)] };
        foreach (double angle in new[] { 0.3, 1.2, 2.5, 4.0 })
        {
            Complex centre = a - 1;
            var edge = new Complex((1 - a) * Math.Cos(angle), (1 + a) * Math.Sin(angle));
            AssertDecays(Run(scheme, centre + 0.9 * edge, back: false));
            AssertGrows(Run(scheme, centre + 1.1 * edge, back: false));
        }
    }

    [TestMethod]
    [DataRow(1.02)]
    [DataRow(-1.02)]
    public void MidpointAGrowsForwardWhereItsFactorIsAboveOneAndBackWhereItIsBelow(double a)
    {
        MidpointA With(double factor) => new() { Factors = [.. Enumerable.Repeat(factor, LayerCount)] };
        AssertGrows(Run(With(a), 0, back: false));
        AssertBounded(Run(With(a), 0, back: true)[..20]);
        AssertGrows(Run(With(1 / a), 0, back: true));
    }

    [TestMethod]
    public void BdiaGrowsBackByKWhereFIsZero()
    {
        double[] sizes = Run(new Bdia { K = 4 }, 0, back: true);
        Assert.AreEqual(4, Math.Pow(sizes[110] / sizes[10], 0.01), 0.05);
    }
}
