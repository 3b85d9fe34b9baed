using Microsoft.ML.Reversible.Kernels;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Reversible.Tests.Stack;
using Microsoft.ML.Reversible.Training;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Training;

[TestClass]
public sealed class FlatAdamWTests
{
    private static readonly AdamWSettings Settings = new(Beta1: 0.9, Beta2: 0.99, Epsilon: 1e-8, WeightDecay: 0.1);

    /// <summary>Lengths that are not multiples of the alignment.</summary>
    private static readonly GptConfiguration Shape = TestModels.Small with { VocabularySize = 37, Width = 20 };

    [TestMethod]
    [DataRow("midpoint")]
    [DataRow("hamiltonian")]
    public void EqualsTorchSharpsAdamWWithClippingAndDecayOfMatricesOnly(string scheme) => Compare(scheme, CPU);

    [TestMethod]
    [TestCategory("Cuda")]
    public void SoItDoesOnCuda() => Compare("midpoint", TestModels.RequireCuda());

    private static void Compare(string scheme, Device device)
    {
        using var scope = NewDisposeScope();
        using LanguageNetwork flat = Model(scheme, device), plain = Model(scheme, device);
        using FlatAdamW optimizer = Optimizer(flat);
        ILookup<bool, Parameter> isMatrix = plain.parameters().ToLookup(p => p.dim() >= 2);
        using AdamW reference = optim.AdamW([Group(isMatrix[true], Settings.WeightDecay), Group(isMatrix[false], 0)]);
        using var random = new Generator(3);
        for (int step = 0; step < 25; step++)
        {
            double rate = 1e-2 / (step + 1), deviation = step % 2 == 0 ? 1e-4 : 1;
            optimizer.ZeroGradients();
            SetGradients(plain, deviation, random);
            AddGradients(flat, plain);
            double expected = nn.utils.clip_grad_norm_(plain.parameters(), 1.0), norm = optimizer.GradNorm();
            Assert.AreEqual(expected, norm, 1e-6 * expected);
            optimizer.Step(rate, Math.Min(1, 1.0 / (norm + 1e-6)));
            foreach (var group in reference.ParamGroups) group.LearningRate = rate;
            reference.step();
        }
        Assert.AreEqual(25, optimizer.StepCount);
        AssertClose(plain, flat, 1e-6);

        static AdamW.ParamGroup Group(IEnumerable<Parameter> parameters, double decay) =>
            new(parameters, 0, Settings.Beta1, Settings.Beta2, Settings.Epsilon, decay);
    }

    [TestMethod]
    public void TheFusedStepEqualsTheComposedOne() => CompareWithComposed(CPU);

    [TestMethod]
    [TestCategory("Cuda")]
    public void TheFusedStepEqualsTheComposedOneOnCuda() => CompareWithComposed(TestModels.RequireCuda());

    private static void CompareWithComposed(Device device)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(5);
        Tensor[] state = [.. Enumerable.Range(0, 4).Select(_ => ones(3, device: device))];
        Assert.IsTrue(FusedAdamW.TryStep(state[0], state[1], state[2], state[3], 1, 0.5, 1, new(0.9, 0.99, 1e-8, 0)));
        Assert.IsLessThan(1, state[0][0].item<float>(), "the parameters were updated");
        foreach (long[] shape in new long[][] { [70, 130], [999] })
        {
            Parameter[] parameters = [Random(shape), Random(shape)];
            FlatAdamWGroup[] groups = [.. parameters.Select(Group)];
            for (int step = 1; step <= 12; step++)
            {
                Tensor gradient = randn(shape, generator: random).to(device);
                foreach (var (group, fused) in groups.Zip([true, false]))
                {
                    group.ZeroGradient();
                    group.AttachGradients();
                    InPlace(parameters[fused ? 0 : 1].grad!, g => g.add_(gradient));
                    group.Step(1e-2 / step, step % 2 == 0 ? 1 : 0.37, step, Settings, fused);
                }
            }
            Assert.IsTrue(parameters[0].allclose(parameters[1], rtol: 1e-5, atol: 1e-7));
            Assert.IsFalse(parameters[0].allclose(Random(shape)));
            foreach (FlatAdamWGroup group in groups) group.Dispose();
        }

        Parameter Random(long[] shape)
        {
            using var same = new Generator(7);
            return new Parameter(randn(shape, generator: same).to(device));
        }

        FlatAdamWGroup Group(Parameter parameter)
        {
            var layout = new FlatLayout([parameter]);
            Tensor[] stretches = [.. Enumerable.Range(0, 3).Select(_ => zeros(layout.Length, device: device))];
            return new(layout, zeros(layout.Used, device: device), stretches[0], stretches[1], stretches[2]);
        }
    }

    [TestMethod]
    public void ClipsGradientsWhoseSquaredScaleIsOutOfRange()
    {
        using var scope = NewDisposeScope();
        using LanguageNetwork flat = Model(), plain = Model();
        using AdamW reference = optim.AdamW(plain.parameters(), 1e-2, 0.9, 0.99);
        using var optimizer = LanguageTask.Optimizer(flat, Settings with { WeightDecay = 0 }, OptimizerPlacement.AfterBackward);
        using var random = new Generator(3);
        optimizer.ZeroGradients();
        SetGradients(plain, 1, random);
        AddGradients(flat, plain);
        foreach (Parameter parameter in flat.parameters()) InPlace(parameter.grad!, g => g.mul_(1e16));
        optimizer.Step(1e-2, 1e-16);
        reference.step();
        AssertClose(plain, flat, 1e-6);
    }

    [TestMethod]
    public void TheNormOfMillionsOfGradientsIsRight()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1);
        using var block = new TanhBlock(1500, 0.1, random, ScalarType.Float32);
        using var outside = new TanhBlock(2, 0.1, random, ScalarType.Float32);
        var stack = new LayerStack(Scheme.Residual, [block], BackwardMode.Stored, Arithmetic.Float);
        using var optimizer = new FlatAdamW(
            FlatParameters.Groups(new Both(block, outside), stack), Settings, OptimizerPlacement.AfterBackward);
        foreach (Parameter parameter in block.parameters()) InPlace(parameter.grad!, g => g.fill_(1e-3));
        Assert.AreEqual(1e-3 * Math.Sqrt(2 * 1500 * 1500), optimizer.GradNorm(), 1e-6);
    }

    [TestMethod]
    public void ParametersStayTheSameLeavesWithTheSameValues()
    {
        using var scope = NewDisposeScope();
        using LanguageNetwork flat = Model(), plain = Model();
        Parameter[] before = [.. flat.parameters()];
        using FlatAdamW optimizer = Optimizer(flat);
        foreach (var (a, b) in before.Zip(flat.parameters()))
        {
            Assert.AreSame(a, b);
            Assert.IsTrue(b.is_leaf && b.requires_grad && b.is_contiguous());
        }
        AssertSameBits(plain, flat);
        Assert.IsTrue(before.Count(p => p.storage_offset() > 0) > before.Length / 2, "they share buffers");
        Assert.IsTrue(before.All(p => p.storage_offset() % 64 == 0), "aligned");
    }

    /// <summary>A gradient that a backward pass replaces would no longer be in the buffer.</summary>
    [TestMethod]
    public void BackwardPassesAddToTheBufferInPlace() => Accumulate(CPU);

    [TestMethod]
    [TestCategory("Cuda")]
    public void BackwardPassesAddToTheBufferInPlaceOnCuda() => Accumulate(TestModels.RequireCuda());

    private static void Accumulate(Device device)
    {
        using var scope = NewDisposeScope();
        using LanguageNetwork flat = Model(device: device), plain = Model(device: device);
        using FlatAdamW optimizer = Optimizer(flat);
        for (int pass = 0; pass < 3; pass++)
        {
            Differentiate(flat, pass);
            Differentiate(plain, pass);
        }
        foreach (var (a, b) in plain.parameters().Zip(flat.parameters()))
            Assert.IsLessThan(1e-6, TestModels.RelativeError(b.grad!, a.grad!));
        Assert.AreEqual(nn.utils.clip_grad_norm_(plain.parameters(), double.PositiveInfinity), optimizer.GradNorm(), 1e-6);
        optimizer.ZeroGradients();
        Assert.IsTrue(flat.parameters().All(p => p.grad!.norm().item<float>() == 0));
    }

    [TestMethod]
    public void TwoRunsAgreeToTheBit()
    {
        using LanguageNetwork a = Model(), b = Model();
        Train(a);
        Train(b);
        AssertSameBits(a, b);

        static void Train(LanguageNetwork model)
        {
            using FlatAdamW optimizer = Optimizer(model);
            for (int step = 0; step < 5; step++) Step(optimizer, model, step);
        }
    }

    [TestMethod]
    public void ALoadedStateGoesOnToTheBit()
    {
        using var scope = NewDisposeScope();
        using LanguageNetwork whole = Model(), resumed = Model();
        using FlatAdamW optimizer = Optimizer(whole), other = Optimizer(resumed);
        for (int step = 0; step < 3; step++) Step(optimizer, whole, step);
        Dictionary<string, Tensor> state = optimizer.State.ToDictionary(s => s.Name, s => s.Value.clone());
        foreach (var (from, to) in whole.parameters().Zip(resumed.parameters())) InPlace(to, t => t.copy_(from));
        other.Load(optimizer.StepCount, name => state[name]);
        foreach (int step in new[] { 3, 4 })
        {
            Step(optimizer, whole, step);
            Step(other, resumed, step);
        }
        AssertSameBits(whole, resumed);
        Assert.IsTrue(optimizer.State.All(s => s.Name.StartsWith("exp_avg", StringComparison.Ordinal)));
        Assert.AreEqual(2 * (Shape.LayerCount + 1), optimizer.State.Count());
    }

    [TestMethod]
    public void AStateThatDoesNotFitIsRefusedByName()
    {
        using LanguageNetwork model = Model();
        using FlatAdamW optimizer = Optimizer(model);
        var shape = Assert.ThrowsExactly<InvalidDataException>(() => optimizer.Load(1, _ => zeros(3)));
        StringAssert.Contains(shape.Message, "'exp_avg.0'");
        Assert.ThrowsExactly<InvalidDataException>(
            () => optimizer.Load(1, name => zeros(optimizer.State.First(s => s.Name == name).Value.shape, ScalarType.Float64)));
        Assert.ThrowsExactly<InvalidDataException>(() => optimizer.Load(-1, _ => zeros(3)));
        Assert.AreEqual(0, optimizer.StepCount);
    }

    [TestMethod]
    public void DisposingLeavesTheParametersAndNoTensorElse()
    {
        using LanguageNetwork model = Model();
        using Tensor ids = TestModels.Ids(Shape, 1, 4);
        using Tensor before = model.forward(ids);
        long count = TestModels.LiveTensors();
        foreach (OptimizerPlacement placement in Enum.GetValues<OptimizerPlacement>())
            LanguageTask.Optimizer(model, Settings, placement).Dispose();
        Assert.AreEqual(count, TestModels.LiveTensors());
        Assert.IsTrue(model.parameters().All(p => p.grad is null));
        using Tensor after = model.forward(ids);
        Assert.IsTrue(TestModels.SameBits(before, after));
    }

    [TestMethod]
    public void AModelWithoutLayersIsSteppedAlikeInEitherPlacement()
    {
        byte[][] weights = [.. Enum.GetValues<OptimizerPlacement>().Select(placement =>
        {
            using var scope = NewDisposeScope();
            using var random = new Generator(1);
            using var block = new TanhBlock(4, 0.1, random, ScalarType.Float32);
            using var optimizer = new FlatAdamW([[.. block.parameters()]], Settings, placement);
            var update = new ParameterUpdate(optimizer, new StepGuard(), maxGradNorm: 0);
            for (int step = 1; step <= 2; step++)
                Assert.IsTrue(update.Take(step, 1e-2, _ =>
                {
                    Tensor loss = block.call(ones(2, 4)).square().sum();
                    loss.backward();
                    return loss.detach();
                }).Taken);
            return block.parameters().SelectMany(parameter => parameter.bytes.ToArray()).ToArray();
        })];
        CollectionAssert.AreEqual(weights[0], weights[1]);
    }

    [TestMethod]
    public void ParametersOfAnotherTypeOrInTwoLayersAreRefused()
    {
        using var random = new Generator(1);
        using var block = new TanhBlock(4, 0.1, random, ScalarType.Float64);
        var type = Assert.ThrowsExactly<ArgumentException>(() => Make([block]));
        StringAssert.Contains(type.Message, "Float64");
        Assert.ThrowsExactly<ArgumentException>(() => Make([block, block]));

        FlatAdamW Make(TanhBlock[] blocks) => new(
            FlatParameters.Groups(block, new LayerStack(Scheme.Residual, blocks, BackwardMode.Stored, Arithmetic.Float)), Settings,
            OptimizerPlacement.AfterBackward);
    }

    private sealed class Both : nn.Module
    {
        private readonly TanhBlock _inStack;
        private readonly TanhBlock _outside;

        public Both(TanhBlock inStack, TanhBlock outside) : base(nameof(Both))
        {
            (_inStack, _outside) = (inStack, outside);
            RegisterComponents();
        }
    }

    private static LanguageNetwork Model(string scheme = "midpoint", Device? device = null) =>
        TestModels.Make(Shape, Scheme.Parse(scheme), BackwardMode.Reversible, device: device);

    private static FlatAdamW Optimizer(LanguageNetwork model) =>
        LanguageTask.Optimizer(model, Settings, OptimizerPlacement.AfterBackward);

    private static void Step(FlatAdamW optimizer, LanguageNetwork model, int step)
    {
        optimizer.ZeroGradients();
        Differentiate(model, step);
        optimizer.Step(1e-2);
    }

    private static void Differentiate(LanguageNetwork model, int pass)
    {
        using var scope = NewDisposeScope();
        Tensor ids = TestModels.Ids(Shape, 2, 8, (ulong)(2 * pass)), targets = TestModels.Ids(Shape, 2, 8, (ulong)(2 * pass + 1)).flatten();
        LanguageModelLoss.Differentiate(model, ids.to(model.Device), targets.to(model.Device), new(1.0 / 16));
    }

    private static void SetGradients(LanguageNetwork model, double deviation, Generator random)
    {
        foreach (Parameter parameter in model.parameters())
            parameter.grad = (randn(parameter.shape, generator: random) * deviation).to(model.Device);
    }

    private static void AddGradients(LanguageNetwork to, LanguageNetwork from)
    {
        foreach (var (t, f) in to.parameters().Zip(from.parameters())) InPlace(t.grad!, g => g.add_(f.grad!));
    }

    private static void InPlace(Tensor tensor, Action<Tensor> change)
    {
        using var noGraph = no_grad();
        change(tensor);
    }

    private static void AssertClose(LanguageNetwork expected, LanguageNetwork actual, double tolerance)
    {
        foreach (var ((name, e), (_, a)) in expected.named_parameters().Zip(actual.named_parameters()))
            Assert.IsLessThan(tolerance, TestModels.RelativeError(a, e), name);
    }

    private static void AssertSameBits(LanguageNetwork expected, LanguageNetwork actual)
    {
        foreach (var ((name, e), (_, a)) in expected.named_parameters().Zip(actual.named_parameters()))
            Assert.IsTrue(TestModels.SameBits(e, a), name);
    }
}
