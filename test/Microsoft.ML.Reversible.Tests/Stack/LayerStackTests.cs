using Microsoft.ML.Reversible.Language;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Stack;

[TestClass]
public sealed class LayerStackTests
{
    [TestMethod]
    [DataRow(1)]
    [DataRow(2)]
    [DataRow(3)]
    [DataRow(12)]
    public void GradientsOfBothBackwardModesAgreeInFloat32(int layers) => CompareGradients(layers, CPU, Precision.Float32, bound: 1e-5);

    [TestMethod]
    [TestCategory("Cuda")]
    public void GradientsOfBothBackwardModesAgreeOnCuda() => CompareGradients(12, TestModels.RequireCuda(), Precision.Float32, bound: 1e-4);

    [TestMethod]
    [TestCategory("Cuda")]
    public void GradientsOfBothBackwardModesAgreeInBFloat16OnCuda() =>
        CompareGradients(12, TestModels.RequireCuda(), Precision.BFloat16, bound: 0.1);

    [TestMethod]
    public void GradientsOfBothBackwardModesAgreeInBFloat16() => CompareGradients(12, CPU, Precision.BFloat16, bound: 0.1);

    private static void CompareGradients(int layers, Device device, Precision precision, double bound)
    {
        using var scope = NewDisposeScope();
        GptConfiguration configuration = TestModels.Small with { LayerCount = layers, Width = 64, HeadCount = 4 };
        using LanguageNetwork stored = TestModels.Make(configuration, Scheme.Midpoint, BackwardMode.Stored, precision, device);
        using LanguageNetwork reversible = TestModels.Make(configuration, Scheme.Midpoint, BackwardMode.Reversible, precision, device);
        Tensor ids = TestModels.Ids(configuration, 4, 16).to(device),
            targets = TestModels.Ids(configuration, 4, 16, seed: 6).flatten().to(device);
        Tensor lossStored = LanguageModelLoss.Differentiate(stored, ids, targets, new(1.0 / 64));
        Tensor lossReversible = LanguageModelLoss.Differentiate(reversible, ids, targets, new(1.0 / 64));
        Assert.IsTrue(TestModels.SameBits(lossStored, lossReversible), "the way forward is the same computation");
        foreach (var ((name, expected), (_, actual)) in stored.named_parameters().Zip(reversible.named_parameters()))
            Assert.IsLessThan(bound, TestModels.RelativeError(actual.grad!, expected.grad!), name);
    }

    [TestMethod]
    [DynamicData(nameof(SchemesAndModes))]
    public void ThePassGivesTheGradientOfPlainAutomaticDifferentiation(Scheme scheme, BackwardMode backwardMode)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(11);
        nn.Module<Tensor, Tensor>[] blocks = [.. Enumerable.Range(0, 5).Select(_ => new TanhBlock(4, 1, random, ScalarType.Float64))];
        var stack = new LayerStack(scheme, blocks, backwardMode);
        Tensor input = randn([2, 3, 4], dtype: ScalarType.Float64, generator: random).requires_grad_();
        Tensor gradient = randn([2, 3, 4], dtype: ScalarType.Float64, generator: random);

        Tensor output = stack.Evaluate(input);
        autograd.backward(output, gradient);
        Tensor[] expected = [input.grad!.clone(), .. blocks.SelectMany(b => b.parameters()).Select(p => p.grad!.clone())];
        foreach (var block in blocks) block.zero_grad();

        using StackPass pass = stack.Forward(input);
        Assert.IsLessThan(1e-13, TestModels.RelativeError(pass.Output, output));
        Tensor[] actual = [pass.Backward(gradient), .. blocks.SelectMany(b => b.parameters()).Select(p => p.grad!)];
        foreach (var (e, a) in expected.Zip(actual)) Assert.IsLessThan(1e-12, TestModels.RelativeError(a, e));
    }

    public static IEnumerable<object[]> SchemesAndModes =>
        from scheme in Scheme.All
        from backwardMode in Enum.GetValues<BackwardMode>()
        where backwardMode != BackwardMode.Reversible || scheme.DefaultBackwardMode(Arithmetic.Float) == BackwardMode.Reversible
        from readOut in Enum.GetValues<ReadOut>()
        from start in Enum.GetValues<Start>()
        let trained = scheme is Bdia bdia ? bdia with { Signs = BdiaSigns.Positive, Inference = BdiaInference.Recurrence } : scheme
        select new object[] { trained with { ReadOut = readOut, Start = start }, backwardMode };

    /// <summary>Overwriting weights as soon as their layer is done must not change the gradients of the layers below.</summary>
    [TestMethod]
    [DynamicData(nameof(SchemesAndModes))]
    public void ALayerThatIsDoneHasItsGradientsAndIsNotNeededAnyMore(Scheme scheme, BackwardMode backwardMode)
    {
        using var scope = NewDisposeScope();
        (Tensor[] expected, _) = Run(overwrite: false);
        (Tensor[] actual, List<int> done) = Run(overwrite: true);
        CollectionAssert.AreEqual(Enumerable.Range(0, done.Count).Reverse().ToArray(), done);
        Assert.IsGreaterThanOrEqualTo(5, done.Count);
        foreach (var (e, a) in expected.Zip(actual)) Assert.IsTrue(TestModels.SameBits(e, a));

        (Tensor[] Gradients, List<int> Done) Run(bool overwrite)
        {
            using var random = new Generator(1);
            TanhBlock[] blocks = [.. Enumerable.Range(0, 5).Select(_ => new TanhBlock(4, 0.3, random, ScalarType.Float64))];
            Tensor input = randn([2, 3, 4], dtype: ScalarType.Float64, generator: random);
            var stack = new LayerStack(scheme.Bind(5, 0), blocks, backwardMode);
            using StackPass pass = stack.Forward(input, seed: 2);
            List<int> done = [];
            Tensor toInput = pass.Backward(ones_like(input), layer =>
            {
                done.Add(layer);
                using var noGraph = no_grad();
                foreach (var parameter in stack.Blocks[layer].parameters())
                {
                    Assert.IsGreaterThan(0.0, parameter.grad!.abs().sum().ToDouble());
                    if (overwrite) parameter.fill_(double.NaN);
                }
            });
            return ([toInput, .. blocks.SelectMany(b => b.parameters()).Select(p => p.grad!)], done);
        }
    }

    [TestMethod]
    public void ASchemeWithoutInverseRefusesTheReversibleBackwardMode()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1);
        var e = Assert.ThrowsExactly<ArgumentException>(
            () => new LayerStack(Scheme.Residual, [new TanhBlock(4, 1, random, ScalarType.Float64)], BackwardMode.Reversible));
        StringAssert.Contains(e.Message, "residual");
        StringAssert.Contains(e.Message, "Stored");
    }

    [TestMethod]
    public void AStackWithoutBlocksIsRefused() =>
        Assert.ThrowsExactly<ArgumentException>(() => new LayerStack(Scheme.Midpoint, [], BackwardMode.Stored));

    [TestMethod]
    [DataRow(BackwardMode.Stored)]
    [DataRow(BackwardMode.Checkpointed)]
    [DataRow(BackwardMode.Reversible)]
    public void APassIsRunBackwardOnce(BackwardMode backwardMode)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1);
        using StackPass pass =
            new LayerStack(Scheme.Midpoint, [new TanhBlock(4, 1, random, ScalarType.Float64)], backwardMode)
                .Forward(ones([1, 1, 4], dtype: ScalarType.Float64));
        Tensor gradient = ones([1, 1, 4], dtype: ScalarType.Float64);
        pass.Backward(gradient);
        Assert.ThrowsExactly<InvalidOperationException>(() => pass.Backward(gradient));
    }

    [TestMethod]
    [DataRow(BackwardMode.Stored, true)]
    [DataRow(BackwardMode.Stored, false)]
    [DataRow(BackwardMode.Checkpointed, true)]
    [DataRow(BackwardMode.Checkpointed, false)]
    [DataRow(BackwardMode.Reversible, true)]
    [DataRow(BackwardMode.Reversible, false)]
    public void NoTensorOutlivesADisposedPass(BackwardMode backwardMode, bool runBack)
    {
        using var random = new Generator(1);
        using var model = new TanhBlock(4, 1, random, ScalarType.Float64);
        using Tensor input = ones([2, 2, 4], dtype: ScalarType.Float64), gradient = ones([2, 2, 4], dtype: ScalarType.Float64);
        var stack = new LayerStack(Scheme.Midpoint, [model, model, model], backwardMode);
        Run();
        long before = TestModels.LiveTensors();
        for (int i = 0; i < 10; i++) Run();
        Assert.IsLessThanOrEqualTo(before, TestModels.LiveTensors());

        void Run()
        {
            using var scope = NewDisposeScope();
            using StackPass pass = stack.Forward(input);
            if (runBack) pass.Backward(gradient);
        }
    }

    [TestMethod]
    public void InferenceModeIsRefusedWithTheReason()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1);
        var stack = new LayerStack(Scheme.Midpoint, [new TanhBlock(4, 1, random, ScalarType.Float64)], BackwardMode.Reversible);
        using var inference = inference_mode();
        Tensor input = ones([1, 1, 4], dtype: ScalarType.Float64);
        StringAssert.Contains(Assert.ThrowsExactly<InvalidOperationException>(() => stack.Forward(input)).Message, "inference mode");
        Assert.AreEqual(4, stack.Evaluate(input).numel());
    }

    [TestMethod]
    public void WithoutGradientsSwitchedOnAPassStillDifferentiates()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1);
        using var noGraph = no_grad();
        using StackPass pass =
            new LayerStack(Scheme.Midpoint, [new TanhBlock(4, 1, random, ScalarType.Float64)], BackwardMode.Reversible)
                .Forward(ones([1, 1, 4], dtype: ScalarType.Float64));
        Assert.IsGreaterThan(0.0, pass.Backward(ones([1, 1, 4], dtype: ScalarType.Float64)).norm().ToDouble());
    }
}
