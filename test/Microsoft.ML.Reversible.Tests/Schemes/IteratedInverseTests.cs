using Microsoft.ML.Reversible.Tests.Stack;
using TorchSharp;
using static TorchSharp.torch;
using Block = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;

namespace Microsoft.ML.Reversible.Tests.Schemes;

[TestClass]
public sealed class IteratedInverseTests
{
    /// <summary>Computes p⁺ = p + f(p) + a (p⁻ - E_m(p)) literally, in float64.</summary>
    [TestMethod]
    [DataRow(1.0, 1)]
    [DataRow(-1.0, 2)]
    [DataRow(0.5, 3)]
    [DataRow(-0.25, 1)]
    [DataRow(0.015625, 40)]
    public void ForwardIsTheEquation(double a, int m)
    {
        using var scope = NewDisposeScope();
        TanhBlock[] blocks = Blocks(6, deviation: 0.5);
        Tensor input = Draw(3), previous = input, current = input + blocks[0].call(input);
        for (int j = 1; j < blocks.Length; j++)
        {
            Tensor estimate = current;
            for (int i = 0; i < m; i++) estimate = current - blocks[j - 1].call(estimate);
            (previous, current) = (current, current + blocks[j].call(current) + (previous - estimate) * a);
        }
        var scheme = new IteratedInverse { A = a, M = m };
        Assert.IsLessThan(1e-13, TestModels.RelativeError(new LayerStack(scheme, blocks, BackwardMode.Stored).Evaluate(input), current));
        Scheme repeat = scheme with { Start = Start.Repeat };
        Assert.IsLessThan(
            1e-13, TestModels.RelativeError(new LayerStack(repeat, blocks, BackwardMode.Stored).Evaluate(input), current),
            "without a layer before it, the first layer is the same in both starts");
        var exact = new LayerStack(scheme with { Bits = 30 }, blocks, BackwardMode.Reversible, Arithmetic.Exact);
        using StackPass pass = exact.Forward(input);
        Assert.IsLessThan(1e-6, TestModels.RelativeError(pass.Output, current));
    }

    /// <summary>If f is a contraction, each fixed-point step improves the estimate, and the correction approaches 0.</summary>
    [TestMethod]
    public void OfContractionsItBecomesTheResidualNetwork()
    {
        using var scope = NewDisposeScope();
        TanhBlock[] blocks = Blocks(6, deviation: 0.05);
        Tensor input = Draw(3);
        Tensor residual = new LayerStack(Scheme.Residual, blocks, BackwardMode.Stored).Evaluate(input);
        double before = double.PositiveInfinity;
        foreach (int m in new[] { 1, 2, 4, 8 })
        {
            double error = Error(new IteratedInverse { A = 1, M = m });
            Assert.IsLessThan(before / 2, error);
            before = error;
        }
        Assert.IsLessThan(1e-14, Error(new IteratedInverse { A = -0.5, M = 40 }));

        double Error(Scheme scheme) =>
            TestModels.RelativeError(new LayerStack(scheme, blocks, BackwardMode.Stored).Evaluate(input), residual);
    }

    [TestMethod]
    public void AFunctionHasTheParametersOfItsOwnBlockAlone()
    {
        using var scope = NewDisposeScope();
        TanhBlock[] blocks = Blocks(4, deviation: 0.5);
        var stack = new LayerStack(Scheme.IteratedInverse, blocks, BackwardMode.Reversible, Arithmetic.Exact);
        Assert.AreSame(blocks[0], stack.Blocks[0]);
        foreach (var (function, block) in stack.Blocks.Zip(blocks))
            CollectionAssert.AreEqual(block.parameters().ToArray(), function.parameters().ToArray());
    }

    [TestMethod]
    [DataRow(1.0, 0)]
    [DataRow(-1.0, 0)]
    [DataRow(0.5, 1)]
    [DataRow(-0.0625, 4)]
    public void ItStoresLogTwoOfKBitsAnActivation(double a, int bits)
    {
        using var scope = NewDisposeScope();
        var stack = new LayerStack(new IteratedInverse { A = a }, Blocks(7, deviation: 0.5), BackwardMode.Reversible, Arithmetic.Exact);
        using StackPass pass = stack.Forward(Draw(3));
        Assert.AreEqual((7 - 2) * (2 * 3 * 4 * bits / 8), pass.RemainderByteCount);
    }

    [TestMethod]
    public void AFractionAsANeedsExactArithmeticToRunBackwards()
    {
        using var scope = NewDisposeScope();
        TanhBlock[] blocks = Blocks(3, deviation: 0.5);
        foreach (double a in new[] { 1.0, -1.0 })
        {
            Assert.AreEqual(Arithmetic.Float, new IteratedInverse { A = a }.DefaultArithmetic);
            Assert.AreEqual(BackwardMode.Reversible, new IteratedInverse { A = a }.DefaultBackwardMode(Arithmetic.Float));
        }
        Assert.AreEqual(Arithmetic.Exact, Scheme.IteratedInverse.DefaultArithmetic);
        Assert.AreEqual(BackwardMode.Stored, Scheme.IteratedInverse.DefaultBackwardMode(Arithmetic.Float));
        var e = Assert.ThrowsExactly<ArgumentException>(
            () => new LayerStack(new IteratedInverse { A = 0.125 }, blocks, BackwardMode.Reversible));
        StringAssert.Contains(e.Message, "rounding errors by 8");
        StringAssert.Contains(e.Message, "Exact");
    }

    [TestMethod]
    public void LegalValuesAreTold()
    {
        StringAssert.Contains(Refused(() => new IteratedInverse { A = 0 }), "1/64");
        StringAssert.Contains(Refused(() => new IteratedInverse { M = 0 }), "[1, 64]");
        StringAssert.Contains(Refused(() => new IteratedInverse { Bits = 0 }), "[1, 30]");

        static string Refused(Func<IteratedInverse> make) => Assert.ThrowsExactly<ArgumentOutOfRangeException>(make).Message;
    }

    private static TanhBlock[] Blocks(int count, double deviation)
    {
        using var random = new Generator(8);
        return [.. Enumerable.Range(0, count).Select(_ => new TanhBlock(4, deviation, random, ScalarType.Float64))];
    }

    private static Tensor Draw(ulong seed)
    {
        using var random = new Generator(seed);
        return randn([2, 3, 4], dtype: ScalarType.Float64, generator: random);
    }
}
