using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Training;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Training;

[TestClass]
public sealed class ParameterUpdateTests
{
    private static readonly AdamWSettings Settings = new(Beta1: 0.9, Beta2: 0.99, Epsilon: 1e-8, WeightDecay: 0.1);
    private static readonly GptConfiguration Shape = TestModels.Small with { LayerCount = 4, Width = 16, ContextLength = 8 };

    public static IEnumerable<object[]> Stacks =>
        from scheme in (Scheme[])
        [
            Scheme.Residual, Scheme.Midpoint, new Leapfrog(), new Hamiltonian(), new Bdia(), new IteratedInverse(),
            new IteratedInverse { A = -1, M = 2 },
        ]
        from backwardMode in Enum.GetValues<BackwardMode>()
        where backwardMode != BackwardMode.Reversible || scheme.WhyNotReversible(scheme.DefaultArithmetic) is null
        select new object[] { scheme, backwardMode };

    [TestMethod]
    [DynamicData(nameof(Stacks))]
    public void InsideTheBackwardPassTheWeightsBecomeTheSameBits(Scheme scheme, BackwardMode backwardMode)
    {
        using LanguageNetwork after = Make(scheme, backwardMode), inside = Make(scheme, backwardMode);
        double expected = Train(after, OptimizerPlacement.AfterBackward), norm = Train(inside, OptimizerPlacement.InsideBackward);
        AssertSameBits(after, inside);
        Assert.AreEqual(expected, norm, 1e-12 * expected, "the norm of the last step's gradient");
    }

    [TestMethod]
    [TestCategory("Cuda")]
    public void InsideTheBackwardPassTheWeightsBecomeTheSameWithinRoundingOnCuda()
    {
        Device device = TestModels.RequireCuda();
        using LanguageNetwork after = Make(Scheme.Midpoint, BackwardMode.Reversible, device);
        using LanguageNetwork inside = Make(Scheme.Midpoint, BackwardMode.Reversible, device);
        double expected = Train(after, OptimizerPlacement.AfterBackward), norm = Train(inside, OptimizerPlacement.InsideBackward);
        Assert.AreEqual(expected, norm, 1e-3 * expected);
        foreach (var ((name, e), (_, a)) in after.named_parameters().Zip(inside.named_parameters()))
            Assert.IsLessThan(1e-3, TestModels.RelativeError(a, e), name);
    }
    [TestMethod]
    [DataRow("midpoint")]
    [DataRow("hamiltonian")]
    public void InsideTheBackwardPassGradientMemoryDoesNotGrowWithDepth(string scheme)
    {
        long[] elements = [.. new[] { 2, 8 }.Select(layers => GradientElements(layers, OptimizerPlacement.InsideBackward))];
        Assert.AreEqual(elements[0], elements[1]);
        Assert.IsGreaterThan(
            2 * GradientElements(2, OptimizerPlacement.AfterBackward), GradientElements(8, OptimizerPlacement.AfterBackward));

        long GradientElements(int layers, OptimizerPlacement placement)
        {
            using LanguageNetwork model = TestModels.Make(
                Shape with { LayerCount = layers, Width = 32 }, Scheme.Parse(scheme), BackwardMode.Reversible);
            using var optimizer = LanguageTask.Optimizer(model, Settings, placement);
            var update = new ParameterUpdate(optimizer, new StepGuard(), maxGradNorm: 0);
            long most = 0;
            for (int step = 1; step <= 2; step++)
                update.Take(step, 1e-3, layerDone => Backward(model, step, layer =>
                {
                    layerDone?.Invoke(layer);
                    most = Math.Max(most, Alive(model));
                })).Loss.Dispose();
            Assert.IsLessThanOrEqualTo(optimizer.GradientElements, most);
            return optimizer.GradientElements;
        }

        static long Alive(LanguageNetwork model)
        {
            using var scope = NewDisposeScope();
            return model.parameters().Sum(p => p.grad?.numel() ?? 0);
        }
    }

    [TestMethod]
    public void InsideTheBackwardPassTheFirstStepIsClippedGroupByGroupAndTheNextByThePreviousNorm()
    {
        using LanguageNetwork model = Make(Scheme.Midpoint, BackwardMode.Reversible);
        using LanguageNetwork plain = Make(Scheme.Midpoint, BackwardMode.Reversible);
        using var optimizer = LanguageTask.Optimizer(model, Settings, OptimizerPlacement.InsideBackward);
        using var reference = LanguageTask.Optimizer(plain, Settings, OptimizerPlacement.AfterBackward);
        var update = new ParameterUpdate(optimizer, new StepGuard(), maxGradNorm: 0.1);
        double previous = 0;
        for (int step = 1; step <= 4; step++)
        {
            reference.ZeroGradients();
            Backward(plain, step, null).Dispose();
            double norm = reference.GradNorm();
            for (int group = 0; group <= reference.OuterGroup; group++)
                reference.StepGroup(group, 1e-2, Math.Min(1, 0.1 / (Math.Max(previous, reference.GradNorm(group)) + 1e-6)));
            reference.CompleteStep();
            previous = norm;
            Assert.AreEqual(norm, Step(update, model, step).GradNorm, 1e-12);
            Assert.IsGreaterThan(0.1, norm, "there is something to clip");
        }
        AssertSameBits(plain, model);
    }

    [TestMethod]
    [DataRow(OptimizerPlacement.AfterBackward)]
    [DataRow(OptimizerPlacement.InsideBackward)]
    public void AStepWhoseLossIsNotFiniteChangesNothing(OptimizerPlacement placement)
    {
        using var scope = NewDisposeScope();
        using LanguageNetwork model = Make(Scheme.Midpoint, BackwardMode.Reversible);
        using var optimizer = LanguageTask.Optimizer(model, Settings, placement);
        var guard = new StepGuard();
        var update = new ParameterUpdate(optimizer, guard, maxGradNorm: 0);
        Assert.IsTrue(Step(update, model, 1).Taken);
        Tensor[] before = [.. model.parameters().Concat(optimizer.State.Select(s => s.Value)).Select(t => t.detach().clone())];

        // Infinity: MKL's products take a factor that is not a number for zero.
        ParameterUpdate.Outcome outcome =
            update.Take(2, 1e-2, layerDone => Backward(model, 2, layerDone, scale: double.PositiveInfinity));
        Assert.IsFalse(outcome.Taken);
        Assert.IsFalse(double.IsFinite(outcome.GradNorm));
        Assert.AreEqual(1, optimizer.StepCount);
        Assert.AreEqual(1, guard.State.SkippedSteps);
        foreach (var (a, b) in before.Zip(model.parameters().Concat(optimizer.State.Select(s => s.Value))))
            Assert.IsTrue(TestModels.SameBits(a, b));
        Assert.IsTrue(Step(update, model, 3).Taken, "and the next step is taken");
    }

    [TestMethod]
    public void StepsLeaveNoTensors()
    {
        foreach (OptimizerPlacement placement in Enum.GetValues<OptimizerPlacement>())
        {
            using LanguageNetwork model = Make(Scheme.Midpoint, BackwardMode.Reversible);
            using var optimizer = LanguageTask.Optimizer(model, Settings, placement);
            var update = new ParameterUpdate(optimizer, new StepGuard(), maxGradNorm: 0);
            Step(update, model, 1);
            long before = TestModels.LiveTensors();
            for (int step = 2; step < 10; step++) Step(update, model, step);
            Assert.IsLessThanOrEqualTo(before, TestModels.LiveTensors());
        }
    }

    [TestMethod]
    public void OptionsThatDoNotGoTogetherAreNamed()
    {
        const OptimizerPlacement inside = OptimizerPlacement.InsideBackward;
        Assert.IsNull(ParameterUpdate.Conflict(OptimizerPlacement.AfterBackward, 1, true, 8, 5));
        Assert.IsNull(ParameterUpdate.Conflict(inside, 0, false, 1, 0));
        Assert.IsNull(ParameterUpdate.Conflict(inside, 1, true, 1, 0));
        Assert.AreEqual("MaxGradNorm", ParameterUpdate.Conflict(inside, 1, false, 1, 0)?.Option);
        Assert.AreEqual("GradientAccumulationSteps", ParameterUpdate.Conflict(inside, 0, false, 2, 0)?.Option);
        Assert.AreEqual("OutlierFactor", ParameterUpdate.Conflict(inside, 0, false, 1, 5)?.Option);
    }

    private static LanguageNetwork Make(Scheme scheme, BackwardMode backwardMode, Device? device = null) =>
        TestModels.Make(Shape, scheme, backwardMode, device: device, arithmetic: scheme.DefaultArithmetic);

    private static double Train(LanguageNetwork model, OptimizerPlacement placement)
    {
        using var optimizer = LanguageTask.Optimizer(model, Settings, placement);
        var update = new ParameterUpdate(optimizer, new StepGuard(), maxGradNorm: 0);
        double last = 0;
        for (int step = 1; step <= 4; step++) last = Step(update, model, step).GradNorm;
        return last;
    }

    private static ParameterUpdate.Outcome Step(ParameterUpdate update, LanguageNetwork model, int step)
    {
        using var scope = NewDisposeScope();
        return update.Take(step, 1e-2, layerDone => Backward(model, step, layerDone));
    }

    private static Tensor Backward(LanguageNetwork model, int step, Action<int>? layerDone, double scale = 1.0 / 16)
    {
        using var scope = NewDisposeScope();
        Tensor ids = TestModels.Ids(Shape, 2, 8, (ulong)(2 * step)), targets = TestModels.Ids(Shape, 2, 8, (ulong)(2 * step + 1)).flatten();
        return LanguageModelLoss
            .Differentiate(model, ids.to(model.Device), targets.to(model.Device), new(scale, step, layerDone))
            .MoveToOuterDisposeScope();
    }

    private static void AssertSameBits(LanguageNetwork expected, LanguageNetwork actual)
    {
        foreach (var ((name, e), (_, a)) in expected.named_parameters().Zip(actual.named_parameters()))
            Assert.IsTrue(TestModels.SameBits(e, a), name);
    }
}
