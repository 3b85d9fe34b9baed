using Microsoft.ML.Reversible.Stack;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Stack;

/// <summary>A block whose graph is cut at functions with gradients of their own has the gradients of the whole graph.</summary>
[TestClass]
[DoNotParallelize]
public sealed class GraphCutsTests
{
    private const long Width = 4;
    private const int Layers = 4;

    public static IEnumerable<object[]> Ways =>
        from backwardMode in Enum.GetValues<BackwardMode>()
        from arithmetic in Enum.GetValues<Arithmetic>()
        select new object[] { backwardMode, arithmetic };

    [TestMethod]
    [DynamicData(nameof(Ways))]
    public void CutGraphsGiveTheGradientsOfWholeOnes(BackwardMode backwardMode, Arithmetic arithmetic)
    {
        using var scope = NewDisposeScope();
        int before = Product.BackwardCalls;
        Tensor[] whole = Gradients(backwardMode, arithmetic, cuts: false);
        Assert.AreEqual(before, Product.BackwardCalls, "the graph is whole");
        Tensor[] cut = Gradients(backwardMode, arithmetic, cuts: true);
        Assert.AreEqual(before + 5 * Layers, Product.BackwardCalls, "each product's gradient came by hand");
        foreach (var (expected, actual) in whole.Zip(cut)) Assert.IsLessThan(1e-12, TestModels.RelativeError(actual, expected));
    }

    [TestMethod]
    public void FunctionsThatEvaluateBlocksOneAfterTheOtherMayBeCut()
    {
        using var scope = NewDisposeScope();
        Scheme scheme = Scheme.Parse("iterated-inverse:a=1,m=3");
        Tensor[] whole = Gradients(BackwardMode.Stored, Arithmetic.Float, cuts: false, scheme: scheme);
        Tensor[] cut = Gradients(BackwardMode.Stored, Arithmetic.Float, cuts: true, scheme: scheme);
        foreach (var (expected, actual) in whole.Zip(cut)) Assert.IsLessThan(1e-12, TestModels.RelativeError(actual, expected));
    }

    [TestMethod]
    public void KeptLayersKeepTheirCuts()
    {
        using var scope = NewDisposeScope();
        Tensor[] rebuilt = Gradients(BackwardMode.Reversible, Arithmetic.Exact, cuts: true);
        Tensor[] kept = Gradients(BackwardMode.Reversible, Arithmetic.Exact, cuts: true, keptLayers: 2);
        Assert.IsTrue(rebuilt.Zip(kept).All(pair => TestModels.SameBits(pair.First, pair.Second)));
    }

    [TestMethod]
    public void NothingIsLeftBehindWhetherThePassIsRunBackwardOrNot()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(5);
        LayerStack stack = Stack(Blocks(random), BackwardMode.Stored, Arithmetic.Float, cuts: true);
        Tensor input = randn([2, 3, Width], dtype: ScalarType.Float64, generator: random);
        Tensor gradient = ones_like(input);
        stack.Forward(input).Backward(gradient).Dispose();
        foreach (nn.Module block in stack.Blocks) block.zero_grad();

        long before = Tensor.TotalCount;
        stack.Forward(input).Dispose();
        Assert.AreEqual(before, Tensor.TotalCount, "a pass that is not run backward");
        using (StackPass pass = stack.Forward(input)) pass.Backward(gradient).Dispose();
        foreach (nn.Module block in stack.Blocks) block.zero_grad();
        Assert.AreEqual(before, Tensor.TotalCount, "a pass that is run backward");
    }

    [TestMethod]
    public void AGraphIsWholeWhereNobodyTakesItsCuts()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(6);
        ProductBlock block = Blocks(random)[0];
        Tensor leaf = randn([1, 2, Width], dtype: ScalarType.Float64, generator: random).requires_grad_();
        Assert.IsNull(GraphCuts.Current);
        block.call(leaf).sum().backward();
        Assert.IsNotNull(leaf.grad);
    }

    private static Tensor[] Gradients(
        BackwardMode backwardMode, Arithmetic arithmetic, bool cuts, int keptLayers = 0, Scheme? scheme = null)
    {
        using var random = new Generator(4);
        ProductBlock[] blocks = Blocks(random);
        LayerStack stack = Stack(blocks, backwardMode, arithmetic, cuts, scheme);
        stack.KeptLayerCount = keptLayers;
        Tensor input = randn([2, 3, Width], dtype: ScalarType.Float64, generator: random);
        using StackPass pass = stack.Forward(input);
        Tensor ofInput = pass.Backward(randn([2, 3, Width], dtype: ScalarType.Float64, generator: random));
        return [ofInput, .. blocks.SelectMany(block => block.parameters()).Select(p => p.grad!)];
    }

    private static ProductBlock[] Blocks(Generator random) => [.. Enumerable.Range(0, Layers).Select(_ => new ProductBlock(random))];

    private static LayerStack Stack(
        ProductBlock[] blocks, BackwardMode backwardMode, Arithmetic arithmetic, bool cuts, Scheme? scheme = null) =>
        new(scheme ?? Scheme.Midpoint, blocks, backwardMode, arithmetic) { Deterministic = cuts };

    /// <summary>
    /// Computes q k with q = p U and k = p V, then a product with the result, so that there are two cuts in a row, one with a constant, and
    /// two that share a product of matrices.
    /// </summary>
    private sealed class ProductBlock : nn.Module<Tensor, Tensor>
    {
        private readonly Parameter _query;
        private readonly Parameter _key;

        public ProductBlock(Generator random) : base(nameof(ProductBlock))
        {
            (_query, _key) = (Weight(random), Weight(random));
            RegisterComponents();
        }

        public override Tensor forward(Tensor input)
        {
            using var scope = NewDisposeScope();
            input = GraphCuts.AtInput(input);
            Tensor first = Product.Of(input.matmul(_query), input.matmul(_key));
            Tensor second = Product.Of(first.matmul(_key), input), halved = Product.Of(second, full_like(second, 0.5));
            Tensor shared = first.matmul(_query), left, right;
            using (GraphCuts.Current?.Group())
                (left, right) = (Product.Of(shared, shared.sin()), Product.Of(shared.cos(), input));
            return (first + halved + left - right).tanh().MoveToOuterDisposeScope();
        }

        private static Parameter Weight(Generator random) =>
            new(randn([Width, Width], dtype: ScalarType.Float64, generator: random) * 0.5);
    }

    /// <summary>Computes a b, with its own gradient d(a b) = da b + a db.</summary>
    private sealed class Product : ICutFunction
    {
        private static readonly Product _instance = new();

        public static int BackwardCalls { get; private set; }

        public static Tensor Of(Tensor a, Tensor b) => GraphCuts.Current?.Apply(_instance, a, b) ?? a * b;

        public Tensor[] Forward(Tensor[] inputs) => [inputs[0] * inputs[1], inputs[0].clone()];

        public Tensor[] Backward(Tensor gradient, Tensor[] inputs, Tensor[] results)
        {
            BackwardCalls++;
            return [gradient * inputs[1], gradient * results[1]];
        }
    }
}
