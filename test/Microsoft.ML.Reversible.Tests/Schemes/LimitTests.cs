using Microsoft.ML.Reversible.Tests.Stability;
using Microsoft.ML.Reversible.Tests.Stack;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Schemes;

/// <summary>
/// Tests that the schemes for converted networks approach the residual network, on the real blocks in float64: as γ approaches 0, or, if f
/// is a contraction, as the number of fixed-point steps grows.
/// </summary>
[TestClass]
public sealed class LimitTests
{
    [TestMethod]
    [DataRow(ModelFamily.Gpt2)]
    [DataRow(ModelFamily.Llama)]
    public void ABlendWithAVerySmallGammaIsTheResidualNetwork(ModelFamily family)
    {
        using var scope = NewDisposeScope();
        using var network = new WideNetwork(family, intoState: 1);
        Assert.IsLessThan(1e-9, network.Divergence(Bdia.Blend(1 << 20)));
        Assert.IsGreaterThan(1e-4, network.Divergence(Bdia.Blend(4)));
        double half = network.Divergence(Bdia.Blend(1 << 10)), quarter = network.Divergence(Bdia.Blend(1 << 11));
        Assert.AreEqual(4, half / quarter, 0.1, "it falls with the square of gamma");
    }

    [TestMethod]
    [DataRow(ModelFamily.Gpt2)]
    [DataRow(ModelFamily.Llama)]
    public void TheIteratedInverseWithManyStepsIsTheResidualNetworkOfContractions(ModelFamily family)
    {
        using var scope = NewDisposeScope();
        using var network = new WideNetwork(family, intoState: 0.1);
        double[] errors = network.EstimateErrors(mostSteps: 6);
        for (int m = 1; m < errors.Length; m++) Assert.IsLessThan(0.5 * errors[m - 1], errors[m], $"{m + 1} steps");
        Assert.IsGreaterThan(5e-9, network.Divergence(new IteratedInverse { A = 1 }));
        foreach (double a in new[] { 1, -0.5 }) Assert.IsLessThan(1e-9, network.Divergence(new IteratedInverse { A = a, M = 40 }));
    }

    /// <summary>f = 0.4 times a rotation has the Lipschitz factor 0.4 in every direction.</summary>
    [TestMethod]
    public void EachFixedPointStepTakesTheLipschitzFactorOffTheError()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(3);
        using var block = new LinearBlock(LinearBlock.Turned(LinearBlock.Rotation(0.4, -0.4, 0.4)));
        Tensor before = randn([2, 3, 6], dtype: ScalarType.Float64, generator: random), after = before + block.call(before);
        double[] errors = [.. Enumerable.Range(1, 20).Select(m =>
            (after - new PreviousStateEstimate(block, m).Increment(after) - before).norm().ToDouble())];
        Assert.AreEqual(0.4, errors[0] / block.call(before).norm().ToDouble(), 1e-12);
        for (int m = 1; m < errors.Length; m++) Assert.AreEqual(0.4, errors[m] / errors[m - 1], 1e-6);
    }

    [TestMethod]
    public void ABlendTooFineForRemaindersIsRefusedWhereItNeedsThem()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1);
        TanhBlock[] blocks = [new(4, 1, random, ScalarType.Float32)];
        Bdia fine = Bdia.Blend(128);
        Assert.AreEqual(Arithmetic.Float, fine.DefaultArithmetic);
        Assert.AreEqual(BackwardMode.Stored, fine.DefaultBackwardMode(Arithmetic.Float));
        Assert.AreEqual(Arithmetic.Exact, Bdia.Blend(64).DefaultArithmetic);
        Assert.AreEqual(BackwardMode.Reversible, Bdia.Blend(64).DefaultBackwardMode(Arithmetic.Exact));
        string exact = Refused(BackwardMode.Stored, Arithmetic.Exact), back = Refused(BackwardMode.Reversible, Arithmetic.Float);
        StringAssert.Contains(exact, "K up to 64, not 128");
        StringAssert.Contains(exact, "Arithmetic must be Float");
        StringAssert.Contains(back, "K up to 64, and K is 128");
        StringAssert.Contains(back, "Stored or Checkpointed");

        string Refused(BackwardMode backwardMode, Arithmetic arithmetic) =>
            Assert.ThrowsExactly<ArgumentException>(() => new LayerStack(fine, blocks, backwardMode, arithmetic)).Message;
    }
}
