using Microsoft.ML.Reversible.Tests.Stack;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Schemes;

[TestClass]
public sealed class ArithmeticTests
{
    [TestMethod]
    [DataRow(float.PositiveInfinity)]
    [DataRow(float.NaN)]
    [DataRow(1e9f)]
    public void LeavingTheRangeIsReportedNotWrapped(float value)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1);
        foreach (BackwardMode backwardMode in Enum.GetValues<BackwardMode>())
        {
            var stack = new LayerStack(Scheme.Midpoint, [new TanhBlock(4, 1, random, ScalarType.Float32)], backwardMode, Arithmetic.Exact);
            var e = Assert.ThrowsExactly<OverflowException>(() => stack.Forward(full([1, 1, 4], value)));
            StringAssert.Contains(e.Message, "1.342E+08");
            Assert.ThrowsExactly<OverflowException>(() => stack.Evaluate(full([1, 1, 4], value)));
        }
    }

    [TestMethod]
    [DataRow(2, 1)]
    [DataRow(4, 2)]
    [DataRow(16, 4)]
    [DataRow(64, 6)]
    public void BdiaStoresLogTwoOfKBitsAnActivation(int k, int bits)
    {
        using var scope = NewDisposeScope();
        GptConfiguration shape = TestModels.Small with { LayerCount = 7 };
        using LanguageNetwork model = TestModels.Make(shape, new Bdia { K = k }, BackwardMode.Reversible, arithmetic: Arithmetic.Exact);
        using StackPass pass = model.Stack.Forward(model.Embed(TestModels.Ids(shape, 2, 16)));
        long activations = 2 * 16 * shape.Width;
        Assert.AreEqual(
            (7 - 2) * ((activations * bits + 7) / 8),
            pass.RemainderByteCount,
            "every block but the first two: p₀ is kept, and nothing before it is rebuilt");
    }

    [TestMethod]
    [DataRow(2)]
    [DataRow(4)]
    [DataRow(16)]
    [DataRow(64)]
    public void BdiaAtInferenceIsTheResidualNetworkUpToTheGrid(int k)
    {
        using var scope = NewDisposeScope();
        using LanguageNetwork residual = TestModels.Make(TestModels.Small, Scheme.Residual, BackwardMode.Stored);
        using LanguageNetwork bdia = TestModels.Make(
            TestModels.Small, new Bdia { K = k, Bits = 20 }, BackwardMode.Reversible, arithmetic: Arithmetic.Exact);
        Tensor ids = TestModels.Ids(TestModels.Small, 2, 16);
        Assert.IsLessThan(1e-4, TestModels.RelativeError(bdia.forward(ids), residual.forward(ids)));
    }

    [TestMethod]
    public void BdiaDrawsItsSignsPerSampleAndBlockFromTheSeed()
    {
        using var scope = NewDisposeScope();
        double[] one = Draw(3), two = Draw(3), other = Draw(4);
        CollectionAssert.AreEqual(one, two);
        CollectionAssert.AreNotEqual(one, other);
        Assert.AreEqual(0.5, one.Count(g => g > 0) / (double)one.Length, 0.1);
        Assert.IsTrue(one.All(g => Math.Abs(g) == 0.25));

        static double[] Draw(long seed)
        {
            Func<int, Tensor> draw = new Bdia { K = 4 }.Draw(20, 50, seed, CPU);
            return [.. Enumerable.Range(0, 20).SelectMany(layer => draw(layer).data<double>().ToArray())];
        }
    }

    [TestMethod]
    public void OptionsThatDoNotGoTogetherAreRefusedWithTheReason()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1);
        TanhBlock[] blocks = [new(4, 1, random, ScalarType.Float32)];
        StringAssert.Contains(Refused(Scheme.MidpointA, BackwardMode.Stored, Arithmetic.Exact), "grid");
        StringAssert.Contains(Refused(Scheme.Residual, BackwardMode.Reversible, Arithmetic.Exact), "backwards");
        StringAssert.Contains(Refused(Scheme.Bdia, BackwardMode.Reversible, Arithmetic.Float), "rounding errors by K");

        string Refused(Scheme scheme, BackwardMode backwardMode, Arithmetic arithmetic) =>
            Assert.ThrowsExactly<ArgumentException>(() => new LayerStack(scheme, blocks, backwardMode, arithmetic)).Message;
    }

    [TestMethod]
    public void TheHamiltonianSchemeNeedsBlocksOfTwoParts()
    {
        using var whole = nn.Linear(4, 4);
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => new LayerStack(Scheme.Hamiltonian, [whole], BackwardMode.Stored)).Message,
            "two parts");
    }

    /// <summary>Equations 2.8 and 2.9 literally, as in the paper.</summary>
    [TestMethod]
    public void TheHamiltonianRecurrenceIsThePapers()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1);
        TanhBlock[] blocks = [.. Enumerable.Range(0, 4).Select(_ => new TanhBlock(4, 1, random, ScalarType.Float64))];
        Tensor input = randn([2, 3, 4], dtype: ScalarType.Float64, generator: random), q = input, p = input;
        foreach (TanhBlock block in blocks)
        {
            q = q + block.Attention.call(p);
            p = p + block.Mlp.call(q);
        }
        Assert.IsTrue(TestModels.SameBits(p, new LayerStack(Scheme.Hamiltonian, blocks, BackwardMode.Reversible).Evaluate(input)));
    }
}
