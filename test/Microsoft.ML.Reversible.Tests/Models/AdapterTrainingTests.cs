using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Reversible.Tests.Language;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Models;

/// <summary>Tests the training of adapters over a frozen base, with every kind of scheme, backward mode and optimizer placement.</summary>
[TestClass]
public sealed class AdapterTrainingTests
{
    private static readonly LanguageModelConfiguration[] _shapes = [TestModels.Small, TestModels.SmallLlama];

    public static IEnumerable<object[]> ExactCases =>
        from scheme in (string[])["midpoint", "blend:16", "leapfrog", "hamiltonian"]
        from precision in Enum.GetValues<Precision>()
        from frozen in Enum.GetValues<Precision>()
        select new object[] { scheme, precision, frozen };

    public static IEnumerable<object[]> Stacks =>
        from scheme in (Scheme[])
        [
            Scheme.Residual, Scheme.Midpoint, new MidpointA(), new Leapfrog(), new Hamiltonian(), new Bdia(), new IteratedInverse(),
            new IteratedInverse { A = -1, M = 2 },
        ]
        from backwardMode in Enum.GetValues<BackwardMode>()
        where backwardMode != BackwardMode.Reversible || scheme.WhyNotReversible(scheme.DefaultArithmetic) is null
        select new object[] { scheme, backwardMode };

    [TestMethod]
    [DynamicData(nameof(ExactCases))]
    public void ExactGradientsOfAllBackwardModesAreTheSameBits(string scheme, Precision precision, Precision frozen)
    {
        foreach (LanguageModelConfiguration shape in _shapes)
        {
            using var scope = NewDisposeScope();
            using LanguageNetwork network = Frozen(shape with { LayerCount = 5 }, frozen);
            using LanguageNetwork stored = Make(BackwardMode.Stored), checkpointed = Make(BackwardMode.Checkpointed);
            using LanguageNetwork reversible = Make(BackwardMode.Reversible), kept = Make(BackwardMode.Reversible);
            kept.Stack.KeptLayerCount = 2;
            foreach (LanguageNetwork model in (LanguageNetwork[])[stored, checkpointed, reversible, kept]) Adapters.Differentiate(model);
            foreach (LanguageNetwork model in (LanguageNetwork[])[checkpointed, reversible, kept])
            {
                foreach (var ((name, expected), (_, actual)) in stored.named_parameters().Zip(model.named_parameters()))
                {
                    if (!expected.requires_grad) Assert.IsNull(actual.grad, name);
                    else Assert.IsTrue(TestModels.SameBits(expected.grad!, actual.grad!), $"{name}, {model.Stack.BackwardMode}");
                }
            }
            Assert.IsTrue(Adapters.Trained(stored).All(p => p.grad!.abs().max().ToDouble() > 0));

            LanguageNetwork Make(BackwardMode mode) => Adapters.Randomize(network.WithAdapter(
                Adapters.Settings() with { TrainHead = true }, seed: 1, Scheme.Parse(scheme), mode, Arithmetic.Exact, precision));
        }
    }

    [TestMethod]
    [DynamicData(nameof(Stacks))]
    public void AdaptersLearnAndTheBaseDoesNotChangeABit(Scheme scheme, BackwardMode backwardMode)
    {
        using var scope = NewDisposeScope();
        using LanguageNetwork network = TestModels.Make(TestModels.SmallLlama, Scheme.Residual, BackwardMode.Stored);
        Tensor[] before = [.. network.parameters().Select(p => p.detach().clone())];
        using LanguageNetwork after = Make(), inside = Make();
        double[] losses = Adapters.Train(after, 12), insideLosses = Adapters.Train(inside, 12, OptimizerPlacement.InsideBackward);
        Assert.IsLessThan(0.95 * losses[0], losses[^1]);
        CollectionAssert.AreEqual(losses, insideLosses);
        Assert.IsTrue(TestFolders.SameWeights(after, inside));
        Assert.IsTrue(before.Zip(network.parameters(), TestModels.SameBits).All(same => same));
        Assert.IsTrue(network.parameters().Concat(after.parameters().Where(p => !p.requires_grad)).All(p => p.grad is null));

        LanguageNetwork Make() => network.WithAdapter(Adapters.Settings(), seed: 1, scheme, backwardMode);
    }

    [TestMethod]
    [DataRow(Precision.Float32, Precision.BFloat16)]
    [DataRow(Precision.BFloat16, Precision.BFloat16)]
    [DataRow(Precision.BFloat16, Precision.Float32)]
    public void ABaseOfEitherTypeIsTrainedInEitherPrecision(Precision precision, Precision frozen)
    {
        foreach (LanguageModelConfiguration shape in _shapes)
        {
            using var scope = NewDisposeScope();
            using LanguageNetwork network = Frozen(shape, frozen);
            Tensor[] before = Adapters.Frozen(network);
            Assert.HasCount(network.parameters().Count(), before);
            Assert.IsTrue(before.All(p => p.dtype == frozen.ToScalarType()));
            using LanguageNetwork adapted = network.WithAdapter(
                Adapters.Settings(), seed: 1, Scheme.Midpoint, BackwardMode.Reversible, precision: precision);
            double[] losses = Adapters.Train(adapted, 12);
            Assert.IsLessThan(0.97 * losses[0], losses[^1]);
            Assert.IsTrue(before.Zip(network.parameters(), TestModels.SameBits).All(same => same));
            Assert.IsTrue(Adapters.Trained(adapted).All(p => p.dtype == ScalarType.Float32));
        }
    }

    /// <summary>The same numbers, because a bfloat16 base's values are float32's too.</summary>
    [TestMethod]
    public void ABaseInBFloat16GivesTheResultsOfItsValuesInFloat32()
    {
        foreach (LanguageModelConfiguration shape in _shapes)
        {
            using var scope = NewDisposeScope();
            using LanguageNetwork half = Frozen(shape, Precision.BFloat16), full = Frozen(shape, Precision.Float32);
            using (no_grad())
            {
                foreach (var (from, to) in half.parameters().Zip(full.parameters())) to.copy_(from);
                Assert.IsTrue(TestModels.SameBits(
                    half.call(TestModels.Ids(shape, 2, 16)), full.call(TestModels.Ids(shape, 2, 16))));
            }
            using LanguageNetwork one = Make(half), other = Make(full);
            CollectionAssert.AreEqual(Adapters.Train(one, 3), Adapters.Train(other, 3));

            LanguageNetwork Make(LanguageNetwork network) => network.WithAdapter(
                Adapters.Settings() with { TrainEmbedding = true }, seed: 1, Scheme.Midpoint, BackwardMode.Reversible);
        }
    }

    [TestMethod]
    public void AnotherSchemeNeedsAResidualBase()
    {
        using LanguageNetwork network = TestModels.Make(TestModels.Small, Scheme.Midpoint, BackwardMode.Reversible);
        using (LanguageNetwork same = network.WithAdapter(Adapters.Settings(), seed: 1))
            Assert.AreEqual((network.Stack.Scheme, BackwardMode.Reversible), (same.Stack.Scheme, same.Stack.BackwardMode));
        using (LanguageNetwork stored = network.WithAdapter(Adapters.Settings(), 1, Scheme.Midpoint, BackwardMode.Stored))
            Assert.AreEqual(BackwardMode.Stored, stored.Stack.BackwardMode);
        string message = Assert.ThrowsExactly<InvalidOperationException>(
            () => network.WithAdapter(Adapters.Settings(), seed: 1, Scheme.Leapfrog)).Message;
        StringAssert.Contains(message, "only a residual model");
        using LanguageNetwork adapted = network.WithAdapter(Adapters.Settings(), seed: 1);
        StringAssert.Contains(
            Assert.ThrowsExactly<InvalidOperationException>(() => adapted.WithAdapter(Adapters.Settings(), seed: 1)).Message,
            "has an adapter already");
    }

    private static LanguageNetwork Frozen(LanguageModelConfiguration shape, Precision frozen) => shape.Build(
        Scheme.Residual, BackwardMode.Stored, Arithmetic.Float, Precision.Float32, CPU, seed: 1, frozen);
}
