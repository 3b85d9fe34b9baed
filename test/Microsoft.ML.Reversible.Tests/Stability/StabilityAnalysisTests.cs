using Microsoft.ML.Reversible.Stability;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Stability;

/// <summary>Stacks of linear blocks, whose eigenvalues and rebuild errors are known.</summary>
[TestClass]
public sealed class StabilityAnalysisTests
{
    private static StabilityReport Analyze(Scheme scheme, ScalarType type, params LinearBlock[] blocks)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(2);
        foreach (LinearBlock block in blocks) block.to(type);
        var stack = new LayerStack(scheme, blocks, BackwardMode.Stored);
        StabilityReport report = new StabilityAnalysis(stack, krylovDimension: 20, seed: 1)
            .Run([randn([1, 3, 4], type, generator: random), randn([1, 2, 4], type, generator: random)]);
        foreach (LinearBlock block in blocks) block.Dispose();
        return report;
    }

    private static LinearBlock[] Blocks(int count, double[,] matrix) =>
        [.. Enumerable.Range(0, count).Select(_ => new LinearBlock(matrix))];

    [TestMethod]
    public void RotationsAreBoundedUnderMidpointAndRebuiltWithinRounding()
    {
        StabilityReport report = Analyze(new Midpoint(0.5), ScalarType.Float64, Blocks(8, LinearBlock.Rotation(0.4, 1.9)));
        Assert.HasCount(8, report.Layers);
        foreach (LayerStability layer in report.Layers)
        {
            Assert.AreEqual(1, layer.ForwardGrowth, 1e-9);
            Assert.AreEqual(1, layer.BackwardGrowth!.Value, 1e-9);
            Assert.AreEqual(1.9, layer.Largest.Value.Magnitude, 1e-9);
            Assert.AreEqual(1.9, Math.Abs(layer.MostImaginary.Value.Imaginary), 1e-9);
            Assert.IsLessThan(1e-13, layer.RebuildError!.Value.Relative);
        }
        StringAssert.Contains(report.Verdict, "midpoint: errors grow in no layer");
        Assert.AreEqual("Nothing needs to change.", report.Suggestion);
    }

    [TestMethod]
    public void TheVerdictNamesTheLayersThatGrowWithTheirRangeAndFactor()
    {
        LinearBlock[] blocks = Blocks(10, LinearBlock.Diagonal(-1, -2, -3, -0.1));
        foreach (int l in new[] { 3, 7 }) blocks[l] = new LinearBlock(LinearBlock.Diagonal(-1, 0.1, 0.4, 0.2));
        StabilityReport report = Analyze(new Leapfrog(1), ScalarType.Float64, blocks);

        double expected = 1.2 + Math.Sqrt(0.44);
        CollectionAssert.AreEqual(new[] { 3, 7 }, report.Layers.Where(l => l.ForwardGrowth > 1.01).Select(l => l.Layer).ToArray());
        Assert.AreEqual(expected, report.Layers[3].ForwardGrowth, 1e-9);
        Assert.AreEqual(expected, report.Layers[3].BackwardGrowth!.Value, 1e-9);
        StringAssert.StartsWith(
            report.Verdict, "leapfrog: layers 3 and 7 have h²λ in [0.1, 0.4]: forward growth 1.86 a layer, backward 1.86 at most");
        StringAssert.Contains(
            report.Suggestion, "use a smaller h and retrain: on the same eigenvalues 0.5 would bring growth down to 1.37 a layer");
    }

    [TestMethod]
    public void ImaginaryPartsAreTold()
    {
        LinearBlock[] blocks = [.. Blocks(2, LinearBlock.Rotation(0.1, 4)), .. Blocks(1, LinearBlock.Rotation(0.1, 0.2))];
        StabilityReport report = Analyze(new Midpoint(0.5), ScalarType.Float64, blocks);
        StringAssert.StartsWith(report.Verdict, "midpoint: layers 0 and 1 have 2hλ with real part in [");
        StringAssert.Contains(report.Verdict, "imaginary part up to 4: forward growth 3.73 a layer");
    }

    [TestMethod]
    public void RebuildErrorsGrowBackwardByTheFactorThatIsReported()
    {
        var scheme = new MidpointA { Factors = [.. Enumerable.Repeat(0.5, 40)] };
        double[,] matrix = LinearBlock.Turned(LinearBlock.Diagonal(-0.001, 0.001, 0, 0.0005));
        StabilityReport report = Analyze(scheme, ScalarType.Float32, Blocks(40, matrix));
        foreach (LayerStability layer in report.Layers) Assert.AreEqual(2, layer.BackwardGrowth!.Value, 0.01);
        double Error(int layer) => report.Layers[layer].RebuildError!.Value.Rms;
        Assert.AreEqual(2, Math.Pow(Error(5) / Error(25), 1 / 20.0), 0.1);
        Assert.AreEqual(0, report.Layers[39].RebuildError!.Value.Max);
        StringAssert.StartsWith(
            report.Verdict, "midpoint-a: all 40 layers have hλ in [-0.001, 0.001]: forward growth 1 a layer, backward 2 at most");
        StringAssert.Contains(report.Suggestion, "cannot be exact");
    }

    [TestMethod]
    public void AHiddenStateThatOverflowsInTheBackwardPassIsInfinitelyWrong()
    {
        double[,] matrix = LinearBlock.Turned(LinearBlock.Diagonal(-0.001, 0.001, 0, 0.0005));
        var scheme = new MidpointA { Factors = [.. Enumerable.Repeat(1e-6, 40)] };
        StabilityReport report = Analyze(scheme, ScalarType.Float32, Blocks(40, matrix));
        Assert.AreEqual(double.PositiveInfinity, report.Layers[0].RebuildError!.Value.Max);
        StringAssert.StartsWith(report.Suggestion, "Use another scheme and retrain: this one cannot be exact");
    }

    [TestMethod]
    [DataRow(-0.5, 0.8, false)]
    [DataRow(1.0, -3.9, false)]
    [DataRow(1.0, -4.2, true)]
    [DataRow(0.3, 0.4, true)]
    public void TheHamiltonianSchemeIsJudgedByPairs(double attention, double mlp, bool grows)
    {
        double[,] Times(double value) => LinearBlock.Diagonal(value, value, value, value);
        LinearBlock[] blocks = [new(Times(attention), Times(mlp)), new(Times(attention), Times(mlp)), new(Times(attention), Times(mlp))];
        StabilityReport report = Analyze(Scheme.Hamiltonian, ScalarType.Float64, blocks);
        Assert.HasCount(3, report.Layers);
        Assert.AreEqual(attention * mlp, report.Layers[1].Largest.Value.Real, 1e-12);
        Assert.AreEqual(grows, report.Layers[1].ForwardGrowth > 1.01);
        Assert.AreEqual(grows, report.Verdict.Contains("all 3 layers have the eigenvalue μ of J_Mlp J_Attn in ["));
    }

    [TestMethod]
    public void ResidualCannotBeRunBackwardsAndIsToldSo()
    {
        StabilityReport report = Analyze(Scheme.Residual, ScalarType.Float64, Blocks(3, LinearBlock.Diagonal(0.5, -0.5, 0, 1)));
        Assert.IsTrue(report.Layers.All(l => l.BackwardGrowth is null && Math.Abs(l.ForwardGrowth - 2) < 1e-9));
        Assert.IsTrue(report.Layers.SkipLast(1).All(l => l.RebuildError is null));
        StringAssert.Contains(report.Verdict, "there is no inverse");
        StringAssert.Contains(report.Suggestion, "no inverse");
    }

    [TestMethod]
    public void EveryHiddenStateIsAsTheStackComputesIt()
    {
        Scheme[] schemes =
        [
            new Midpoint(0.3),
            new Leapfrog(0.4) { Start = Start.Euler },
            new MidpointA { Factors = [1.25, -0.75, 1] },
            Scheme.Residual,
            new IteratedInverse { A = -1, M = 2 },
            Scheme.Hamiltonian,
        ];
        double[,] matrix = LinearBlock.Turned(LinearBlock.Diagonal(0.3, -0.2));
        foreach (Scheme scheme in schemes)
        {
            using var scope = NewDisposeScope();
            LinearBlock[] blocks = [.. Enumerable.Range(0, 3).Select(_ => new LinearBlock(matrix, LinearBlock.Rotation(0.4)))];
            var stack = new LayerStack(scheme, blocks, BackwardMode.Stored);
            Tensor input = ones([1, 2, 2], dtype: ScalarType.Float64);
            var trajectory = new Trajectory(stack.Blocks, LayerRecurrence.Draw(stack.Scheme, stack.Blocks.Count, new Random(1)), input);
            Assert.AreEqual(0, TestModels.RelativeError(trajectory[stack.Blocks.Count], stack.Evaluate(input)), 1e-14, scheme.ToString());
            foreach (LinearBlock block in blocks) block.Dispose();
        }
    }

    [TestMethod]
    public void TheTableHasALineForEachLayer()
    {
        string[] lines = Analyze(new Midpoint(0.5), ScalarType.Float64, Blocks(4, LinearBlock.Rotation(0.4, 1))).ToString().Split('\n');
        StringAssert.StartsWith(lines[0], "layer");
        for (int l = 0; l < 4; l++) StringAssert.StartsWith(lines[l + 1], $"    {l} ");
        Assert.IsTrue(lines[..5].All(line => line.Length == lines[0].Length));
        StringAssert.StartsWith(lines[6], "midpoint: ");
    }

    [TestMethod]
    public void AHiddenStateThatIsNotFiniteIsRefused()
    {
        LinearBlock[] blocks = Blocks(3, LinearBlock.Diagonal(1e300, 1, 1, 1));
        var e = Assert.ThrowsExactly<InvalidOperationException>(() => Analyze(new Midpoint(0.5), ScalarType.Float64, blocks));
        StringAssert.Contains(e.Message, "after layer 1 is not finite");
    }
}
