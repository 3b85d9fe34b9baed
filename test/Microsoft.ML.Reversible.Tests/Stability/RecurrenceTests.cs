using System.Numerics;
using Microsoft.ML.Reversible.Stability;

namespace Microsoft.ML.Reversible.Tests.Stability;

/// <summary>Every row of the table of stability conditions, and both sides of each bound.</summary>
[TestClass]
public sealed class RecurrenceTests
{
    private const double Rounding = 1e-12;

    private static Growth Of(Scheme scheme, Complex eigenvalue) => LayerRecurrence.Of(scheme, 1)[0].At(eigenvalue);

    private static void AssertGrowth(double forward, double? backward, Growth growth, double tolerance = Rounding)
    {
        Assert.AreEqual(forward, growth.Forward, tolerance);
        Assert.AreEqual(backward is null, growth.Backward is null);
        if (backward is { } value) Assert.AreEqual(value, growth.Backward!.Value, tolerance);
    }

    [TestMethod]
    [DataRow(0.0)]
    [DataRow(0.3)]
    [DataRow(-0.999)]
    [DataRow(1.0)]
    [DataRow(-1.0)]
    public void MidpointHasNoRootOutsideTheCircleForImaginaryEigenvaluesUpToOne(double hw)
    {
        foreach (double h in new[] { 0.25, 0.5, 1 }) AssertGrowth(1, 1, Of(new Midpoint(h), new(0, hw / h)));
    }

    [TestMethod]
    [DataRow(1.001)]
    [DataRow(-1.001)]
    [DataRow(2.0)]
    public void MidpointGrowsForImaginaryEigenvaluesBeyondOne(double hw)
    {
        double expected = Math.Abs(hw) + Math.Sqrt(hw * hw - 1);
        AssertGrowth(expected, expected, Of(new Midpoint(0.5), new(0, 2 * hw)));
    }

    [TestMethod]
    [DataRow(0.2)]
    [DataRow(-0.2)]
    public void MidpointHasARootOnEitherSideForARealPartOfEitherSign(double twoHLambda)
    {
        Growth growth = Of(new Midpoint(0.5), twoHLambda);
        Assert.AreEqual(1.105, growth.Forward, 5e-4);
        Assert.AreEqual(0.905, 1 / growth.Backward!.Value, 5e-4);
        AssertGrowth(0.1 + Math.Sqrt(1.01), 0.1 + Math.Sqrt(1.01), growth);
        Assert.IsGreaterThan(1.0, Of(new Midpoint(0.5), new Complex(twoHLambda / 100, 0.7)).Forward);
    }

    [TestMethod]
    [DataRow(0.0)]
    [DataRow(-1e-6)]
    [DataRow(-2.0)]
    [DataRow(-3.999999)]
    [DataRow(-4.0)]
    public void LeapfrogHasNoRootOutsideTheCircleForRealEigenvaluesFromMinusFourToZero(double squared)
    {
        foreach (double h in new[] { 0.25, 0.5, 1 }) AssertGrowth(1, 1, Of(new Leapfrog(h), squared / (h * h)));
    }

    [TestMethod]
    [DataRow(1e-4)]
    [DataRow(0.1)]
    [DataRow(-4.0001)]
    [DataRow(-5.0)]
    public void LeapfrogGrowsForRealEigenvaluesOutside(double squared)
    {
        double half = Math.Abs(2 + squared) / 2, expected = half + Math.Sqrt(half * half - 1);
        AssertGrowth(expected, expected, Of(new Leapfrog(0.5), squared * 4), 1e-9);
    }

    [TestMethod]
    public void LeapfrogGrowsByThePublishedNumber()
    {
        Growth growth = Of(new Leapfrog(1), 0.1);
        Assert.AreEqual(1.370, growth.Forward, 5e-4);
        Assert.AreEqual(0.730, 1 / growth.Backward!.Value, 5e-4);
    }

    [TestMethod]
    [DataRow(0.01)]
    [DataRow(-1.0)]
    public void LeapfrogGrowsForImaginaryEigenvalues(double imaginary) =>
        Assert.IsGreaterThan(1.0 + 1e-3, Of(new Leapfrog(1), new Complex(0, imaginary)).Forward);

    [TestMethod]
    [DataRow(0.5, -0.5)]
    [DataRow(-2.0, 2.0)]
    [DataRow(1.0, -4.0)]
    [DataRow(3.0, 0.0)]
    public void HamiltonianHasNoRootOutsideTheCircleForProductsFromMinusFourToZero(double a, double m) => AssertPair(1, a, m);

    [TestMethod]
    [DataRow(0.5, 0.2)]
    [DataRow(1.0, -4.1)]
    [DataRow(-3.0, 2.0)]
    public void HamiltonianGrowsForProductsOutside(double a, double m)
    {
        double half = Math.Abs(2 + a * m) / 2;
        AssertPair(half + Math.Sqrt(half * half - 1), a, m);
    }

    private static void AssertPair(double expected, double a, double m)
    {
        LayerRecurrence[] layers = [.. LayerRecurrence.Of(Scheme.Hamiltonian, 4)];
        CollectionAssert.AreEqual(new[] { (0, 2), (2, 2) }, layers.Select(l => (l.FirstFunction, l.FunctionCount)).ToArray());
        AssertGrowth(expected, expected, layers[1].At(a * m));
        // The page's matrix of one layer on (q, p); at the bounds its two eigenvalues meet, which costs half the digits.
        double[] sizes = [.. DenseEigenvalues.Of(new[,] { { 1, a }, { m, 1 + a * m } }).Select(e => e.Value.Magnitude)];
        Assert.AreEqual(expected, sizes.Max(), 1e-7);
        Assert.AreEqual(1 / expected, sizes.Min(), 1e-7);
    }

    [TestMethod]
    [DataRow(0.5)]
    [DataRow(-0.75)]
    [DataRow(1.0)]
    [DataRow(-1.0)]
    [DataRow(1.5)]
    public void MidpointAHasRootsOneAndMinusAWhereFIsZero(double a) =>
        AssertGrowth(Math.Max(1, Math.Abs(a)), Math.Max(1, 1 / Math.Abs(a)), Of(new MidpointA { Factors = [a] }, 0));

    [TestMethod]
    [DataRow(1.0, 0.0, 1.9, true)]
    [DataRow(1.0, 0.0, 2.1, false)]
    [DataRow(-1.0, -0.5, 0.0, true)]
    [DataRow(-1.0, -3.9, 0.0, true)]
    [DataRow(-1.0, -4.1, 0.0, false)]
    [DataRow(-1.0, 0.1, 0.0, false)]
    public void MidpointAWithUnitFactorIsBoundedWhereTheSumIsUpToTwo(double a, double real, double imaginary, bool bounded)
    {
        double growth = Of(new MidpointA { StepSize = 1, Factors = [a] }, new(real, imaginary)).Worst;
        if (bounded) Assert.AreEqual(1, growth, Rounding);
        else Assert.IsGreaterThan(1.01, growth);
    }

    [TestMethod]
    public void RandomFactorsGrowBackwardByThePublishedMean()
    {
        var scheme = (MidpointA)Scheme.MidpointA.Bind(100_000, seed: 1);
        double mean = LayerRecurrence.Of(scheme, scheme.Factors.Length).Average(layer => -Math.Log(Math.Abs(layer.Choices[0].A)));
        Assert.AreEqual(0.044, mean, 0.005);
    }

    [TestMethod]
    public void ResidualHasOneRootAndCannotBeRunBackwards()
    {
        AssertGrowth(1.5, null, Of(Scheme.Residual, 0.5));
        AssertGrowth(0, null, Of(Scheme.Residual, -1));
        AssertGrowth(Math.Sqrt(1.25), null, Of(Scheme.Residual, new(0, 0.5)));
    }

    [TestMethod]
    public void BdiaWithSignsAtRandomIsAsBadAsTheWorseSign()
    {
        LayerRecurrence layer = LayerRecurrence.Of(new Bdia { K = 4 }, 3)[1];
        Assert.HasCount(2, layer.Choices);
        AssertGrowth(1, 4, layer.At(0));
        AssertGrowth(1, 4, LayerRecurrence.Of(new Bdia { K = 4, Signs = BdiaSigns.Negative }, 3)[1].At(0));
    }

    [TestMethod]
    public void AnEulerStartCannotBeRunBackwardsFromTheFirstLayerAlone()
    {
        IReadOnlyList<LayerRecurrence> layers = LayerRecurrence.Of(new Leapfrog(1) { Start = Start.Euler }, 2);
        AssertGrowth(1.1, null, layers[0].At(0.1));
        Assert.AreEqual(1.370, layers[1].At(0.1).Backward!.Value, 5e-4);
    }

    [TestMethod]
    public void TheSmallRootKeepsItsDigits()
    {
        Growth growth = new Recurrence(1e-12, 1, 0).At(0);
        AssertGrowth(1 + 1e-12, (1 + 1e-12) / 1e-12, growth, 1);
        Assert.AreEqual(1, growth.Backward!.Value * 1e-12, Rounding * 10);
    }

    [TestMethod]
    public void APairNeedsStepsWithoutAWeightOnTheMiddle() =>
        Assert.ThrowsExactly<ArgumentException>(() => Recurrence.Pair(new(1, 0, 1), new(-1, 2, 1)));
}
