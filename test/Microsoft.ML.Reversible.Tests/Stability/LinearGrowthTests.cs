using System.Numerics;
using Microsoft.ML.Reversible.Stability;
using Microsoft.ML.Reversible.Tests.Repository;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Stability;

/// <summary>Tests the report of errors that grow although no root is outside the unit circle.</summary>
[TestClass]
public sealed class LinearGrowthTests
{
    private static StabilityReport Analyze(Scheme scheme, params LinearBlock[] blocks)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(2);
        foreach (LinearBlock block in blocks) block.to(ScalarType.Float64);
        var stack = new LayerStack(scheme, blocks, BackwardMode.Stored);
        StabilityReport report = new StabilityAnalysis(stack, krylovDimension: 20, seed: 1)
            .Run([randn([1, 1, 2], ScalarType.Float64, generator: random)]);
        foreach (LinearBlock block in blocks) block.Dispose();
        return report;
    }

    private static LinearBlock[] Blocks(int count, double[,] matrix) =>
        [.. Enumerable.Range(0, count).Select(_ => new LinearBlock(matrix))];

    private static LinearBlock[] Halves(int count, double attention, double mlp) => [.. Enumerable.Range(0, count).Select(_ =>
        new LinearBlock(LinearBlock.Diagonal(attention, attention), LinearBlock.Diagonal(mlp, mlp)))];

    [TestMethod]
    public void LeapfrogWithADirectionThatFDoesNotSeeIsToldToGrowLinearly()
    {
        LinearBlock[] blocks = Blocks(60, LinearBlock.Diagonal(-1, -2));
        foreach (int l in new[] { 3, 7 }) blocks[l] = new LinearBlock(LinearBlock.Diagonal(-1, 0));
        StabilityReport report = Analyze(new Leapfrog(1), blocks);
        CollectionAssert.AreEqual(new[] { 3, 7 }, report.Layers.Where(l => l.GrowsLinearly).Select(l => l.Layer).ToArray());
        StringAssert.StartsWith(
            report.Verdict, "leapfrog: errors grow exponentially in no layer, on the eigenvalues found: forward growth 1 a ");
        StringAssert.Contains(
            report.Verdict,
            "Layers 3 and 7 have h²λ in [0, 0], where the root is double: errors grow linearly, to 61 times over 60 such layers");
        Assert.AreEqual("Linear growth is slow: at this depth nothing needs to change.", report.Suggestion);
    }

    [TestMethod]
    public void TheWholeStackHasTheLinearGrowthOfItsLayers()
    {
        StackAmplification stack = Analyze(new Leapfrog(1), Blocks(40, LinearBlock.Diagonal(-1, 0))).Stack;
        // The 40th power of [[2, -1], [1, 0]] is [[41, -40], [40, -39]].
        double expected = Math.Sqrt((6402 + Math.Sqrt(6402.0 * 6402 - 4)) / 2);
        Assert.AreEqual(expected, stack.Forward, 1e-4 * expected);
        Assert.AreEqual(expected, stack.Backward!.Value, 1e-4 * expected);
    }

    [TestMethod]
    public void MidpointAtItsBoundIsToldToGrowLinearlyAndJustInsideIsNot()
    {
        string verdict = Analyze(new Midpoint(0.5), Blocks(12, LinearBlock.Rotation(2))).Verdict;
        StringAssert.Contains(verdict, "All 12 layers have 2hλ with real part in [");
        StringAssert.Contains(verdict, "where the root is double: errors grow linearly, to 13 times over 12 such layers");
        StringAssert.StartsWith(
            Analyze(new Midpoint(0.5), Blocks(12, LinearBlock.Rotation(1.9))).Verdict, "midpoint: errors grow in no layer, ");
    }

    [TestMethod]
    [DataRow(1.0, 0.0, true)]
    [DataRow(0.0, 0.0, false)]
    [DataRow(2.0, -2.0, true)]
    [DataRow(1.0, -2.0, false)]
    public void HamiltonianAtItsBoundsCanGrowLinearlyUnlessBothHalvesAreConstant(double attention, double mlp, bool grows)
    {
        StabilityReport report = Analyze(Scheme.Hamiltonian, Halves(10, attention, mlp));
        Assert.AreEqual(grows, report.Layers.All(l => l.GrowsLinearly));
        Assert.AreEqual(grows, report.Layers.Any(l => l.GrowsLinearly));
        Assert.AreEqual(grows, report.Verdict.Contains("errors can grow linearly with depth"));
        Assert.AreEqual(grows, report.Stack.Forward > 8);
    }

    [TestMethod]
    public void EachEndOfEachRangeIsDoubleAndWhatIsBesideItIsNot()
    {
        bool Is(Scheme scheme, Complex eigenvalue) => LayerRecurrence.Of(scheme, 2)[^1].IsLinear(eigenvalue, 100);
        foreach (Scheme scheme in new Scheme[] { new Leapfrog(1), Scheme.Hamiltonian, new IteratedInverse { A = -1 } })
        {
            foreach (double end in new[] { 0.0, -4.0 }) Assert.IsTrue(Is(scheme, end));
            foreach (double beside in new[] { 0.01, -0.01, -3.99, -4.01, -2 }) Assert.IsFalse(Is(scheme, beside));
        }
        foreach (Scheme scheme in new Scheme[] { new Midpoint(0.5), new IteratedInverse { A = 1 } })
        {
            foreach (double end in new[] { 2.0, -2.0 }) Assert.IsTrue(Is(scheme, new(0, end)));
            foreach (double beside in new[] { 0, 1.99, -1.99, 2.01 }) Assert.IsFalse(Is(scheme, new(0, beside)));
        }
        Scheme[] others = [Scheme.Residual, Scheme.Bdia, new Bdia { Signs = BdiaSigns.Negative }, new IteratedInverse()];
        foreach (Scheme scheme in others)
            foreach (double end in new[] { 0, -2.0 / 3, -1, -6 }) Assert.IsFalse(Is(scheme, end));
    }

    [TestMethod]
    public void AJacobianWithOneEigenvectorOnlyAmplifiesThoughItsRootsAreBounded()
    {
        StabilityReport report = Analyze(new Midpoint(0.5), Blocks(2, new double[,] { { 0, 50 }, { 0, 0 } }));
        StringAssert.StartsWith(report.Verdict, "midpoint: errors grow in no layer, ");
        Assert.IsGreaterThan(50.0, report.Stack.Forward);
        StringAssert.Contains(report.Verdict, $"is multiplied by up to {report.Stack.Forward:G3} forward");
    }

    [TestMethod]
    public void AProductOfBoundedLayersCanGrow()
    {
        LinearBlock[] blocks = [.. Enumerable.Range(0, 20).Select(l => new LinearBlock(LinearBlock.Diagonal(l % 2 == 0 ? -1 : -3, -2)))];
        StabilityReport report = Analyze(new Leapfrog(1), blocks);
        StringAssert.StartsWith(report.Verdict, "leapfrog: errors grow in no layer, ");
        double golden = (1 + Math.Sqrt(5)) / 2;
        Assert.AreEqual(golden, Math.Pow(report.Stack.Forward, 1 / 20.0), 1e-4);
        StringAssert.Contains(File.ReadAllText(Document.PathOf("docs/schemes.md")), $"grows by {golden:F3} per layer");
    }

    [TestMethod]
    public void TheConditionsOfBdiaGiveThePagesIntervals()
    {
        (string Scheme, string Interval)[] rows =
        [
            .. Document.Open("docs/schemes.md").Rows("scheme", "errors decay forward for real λ in")
                .Where(row => row[1].StartsWith('('))
                .Select(row => (row[0].Split(',')[0].Trim('`'), row[1])),
        ];
        Assert.HasCount(3, rows);
        foreach ((string text, string interval) in rows)
        {
            string bound = interval.Trim('(', ')').Split(',')[0];
            StringAssert.Contains(SchemeCondition.Of(Scheme.Parse(text)).Bounded, $"{bound} < λ < 0");
        }
    }
}
