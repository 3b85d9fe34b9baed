using Microsoft.ML.Reversible.Language;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Stack;

/// <summary>Tests that running a batch in parts gives the results of the whole batch.</summary>
[TestClass]
public sealed class SplitBatchTests
{
    [TestMethod]
    [DataRow(1L, 4L, "0+1")]
    [DataRow(4L, 4L, "0+4")]
    [DataRow(5L, 4L, "0+2 2+3")]
    [DataRow(9L, 4L, "0+3 3+3 6+3")]
    [DataRow(3L, 1L, "0+1 1+1 2+1")]
    public void RowsAreSplitIntoTheFewestPartsOfNearlyOneSize(long rows, long most, string expected) =>
        Assert.AreEqual(expected, string.Join(' ', RowRange.Split(rows, most).Select(part => $"{part.First}+{part.Count}")));

    public static IEnumerable<object[]> SchemesAndModes =>
        from scheme in (Scheme[])[
            Scheme.Residual, Scheme.Midpoint, Scheme.Leapfrog, Scheme.Hamiltonian, Scheme.MidpointA, Scheme.Bdia, Bdia.Blend(16),
            new IteratedInverse { A = 1 }]
        from backwardMode in Enum.GetValues<BackwardMode>()
        where backwardMode != BackwardMode.Reversible || scheme.IsReversible
        select new object[] { scheme, backwardMode };

    [TestMethod]
    [DynamicData(nameof(SchemesAndModes))]
    public void PartsGiveTheLossAndGradientsOfTheWholeBatch(Scheme scheme, BackwardMode backwardMode)
    {
        using var scope = NewDisposeScope();
        (double Loss, Tensor[] Gradients) whole = Differentiate(scheme, backwardMode, most: 5);
        (double Loss, Tensor[] Gradients) parts = Differentiate(scheme, backwardMode, most: 2);
        Assert.AreEqual(whole.Loss, parts.Loss, 1e-4);
        foreach (var (expected, actual) in whole.Gradients.Zip(parts.Gradients))
            Assert.IsLessThan(1e-5, TestModels.RelativeError(actual, expected));
    }

    [TestMethod]
    [DataRow("midpoint")]
    [DataRow("hamiltonian")]
    [DataRow("bdia:inference=recurrence")]
    public void PartsEvaluateToTheOutputOfTheWholeBatch(string scheme)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        using LanguageNetwork model = TestModels.Make(
            TestModels.Small, Scheme.Parse(scheme), BackwardMode.Stored, arithmetic: Scheme.Parse(scheme).DefaultArithmetic);
        Tensor ids = TestModels.Ids(TestModels.Small, 5, 16), whole = model.forward(ids);
        model.Stack.Split = input => RowRange.Split(input.shape[0], 2);
        Assert.IsLessThan(1e-5, TestModels.RelativeError(model.forward(ids), whole));
    }

    public static IEnumerable<object[]> ExactSchemes =>
        [[Scheme.Midpoint], [Scheme.Leapfrog], [Scheme.Hamiltonian], [Scheme.Bdia], [Bdia.Blend(8)], [Scheme.IteratedInverse]];

    [TestMethod]
    [DynamicData(nameof(ExactSchemes))]
    public void InExactArithmeticPartsGiveTheSameBitsInEveryBackwardMode(Scheme scheme)
    {
        using var scope = NewDisposeScope();
        Tensor[] expected = Differentiate(scheme, BackwardMode.Stored, 2, Arithmetic.Exact).Gradients;
        foreach (BackwardMode backwardMode in (BackwardMode[])[BackwardMode.Checkpointed, BackwardMode.Reversible])
        {
            Tensor[] actual = Differentiate(scheme, backwardMode, 2, Arithmetic.Exact).Gradients;
            Assert.IsTrue(expected.Zip(actual).All(pair => TestModels.SameBits(pair.First, pair.Second)), $"{backwardMode}");
        }
    }

    [TestMethod]
    [DataRow(Arithmetic.Float, Precision.Float32)]
    [DataRow(Arithmetic.Exact, Precision.Float32)]
    [DataRow(Arithmetic.Exact, Precision.BFloat16)]
    public void KeptLayersChangeNoGradient(Arithmetic arithmetic, Precision precision)
    {
        using var scope = NewDisposeScope();
        Tensor[] expected = Differentiate(Scheme.Midpoint, BackwardMode.Reversible, 2, arithmetic, precision).Gradients;
        foreach (int kept in (int[])[1, 3, 5, 9])
        {
            Tensor[] actual = Differentiate(Scheme.Midpoint, BackwardMode.Reversible, 2, arithmetic, precision, kept).Gradients;
            foreach (var (one, other) in expected.Zip(actual))
            {
                if (arithmetic == Arithmetic.Exact) Assert.IsTrue(TestModels.SameBits(one, other), $"{kept} kept");
                else Assert.IsLessThan(1e-5, TestModels.RelativeError(other, one), $"{kept} kept");
            }
        }
    }

    [TestMethod]
    public void ThePassJoinsItsPartsForTheCaller()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(3);
        nn.Module<Tensor, Tensor>[] blocks = [.. Enumerable.Range(0, 4).Select(_ => new TanhBlock(4, 1, random, ScalarType.Float64))];
        Tensor input = randn([5, 3, 4], dtype: ScalarType.Float64, generator: random);
        Tensor gradient = randn([5, 3, 4], dtype: ScalarType.Float64, generator: random), given = gradient.clone();

        using StackPass whole = Stack(most: 5).Forward(input), parts = Stack(most: 2).Forward(input);
        Assert.IsLessThan(1e-14, TestModels.RelativeError(parts.Output, whole.Output));
        int[] done = [.. Layers(whole, gradient, out Tensor expected)];
        CollectionAssert.AreEqual(done, Layers(parts, gradient, out Tensor actual).ToArray(), "each layer is done once");
        Assert.IsLessThan(1e-14, TestModels.RelativeError(actual, expected));
        Assert.IsTrue(TestModels.SameBits(given, gradient), "the caller's gradient is left alone");
        Assert.ThrowsExactly<InvalidOperationException>(() => parts.Output);

        using StackPass pass = Stack(most: 2).Forward(input);
        Tensor[] owned = [.. pass.TakeOutputs().Select(part => part.Output)];
        pass.Backward(owned)!.Dispose();
        Assert.IsTrue(owned.All(part => part.IsInvalid), "no gradient outlives its use");

        LayerStack Stack(long most) =>
            new(Scheme.Midpoint, blocks, BackwardMode.Reversible) { Split = x => RowRange.Split(x.shape[0], most) };

        static List<int> Layers(StackPass pass, Tensor gradient, out Tensor result)
        {
            List<int> layers = [];
            result = pass.Backward(gradient, layers.Add);
            return layers;
        }
    }

    private static (double Loss, Tensor[] Gradients) Differentiate(
        Scheme scheme, BackwardMode backwardMode, long most, Arithmetic? arithmetic = null, Precision precision = Precision.Float32,
        int kept = 0)
    {
        GptConfiguration shape = TestModels.Small with { LayerCount = 5 };
        using LanguageNetwork model =
            shape.Build(scheme, backwardMode, arithmetic ?? scheme.DefaultArithmetic, precision, CPU, seed: 3);
        model.Stack.Split = input => RowRange.Split(input.shape[0], most);
        model.Stack.KeptLayerCount = kept;
        Tensor ids = TestModels.Ids(shape, 5, 16), targets = TestModels.Ids(shape, 5, 16, seed: 6).flatten();
        Tensor loss = LanguageModelLoss.Differentiate(model, ids, targets, new(1.0 / 80, 9));
        return (loss.ToDouble(), [.. model.parameters().Select(p => p.grad!.clone())]);
    }
}
