using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Reversible.Training;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Models;

[TestClass]
public sealed class FlatParametersTests
{
    private static readonly AdamWSettings _settings = new(Beta1: 0.9, Beta2: 0.99, Epsilon: 1e-8, WeightDecay: 0.1);

    /// <summary>If they had been moved, values written into the model's buffer would not show in them.</summary>
    [TestMethod]
    [DataRow("midpoint", OptimizerPlacement.AfterBackward, 4)]
    [DataRow("midpoint", OptimizerPlacement.InsideBackward, 4)]
    [DataRow("hamiltonian", OptimizerPlacement.AfterBackward, 7)]
    [DataRow("iterated-inverse", OptimizerPlacement.AfterBackward, 4)]
    public void AnOptimizerLeavesTheParametersInTheModelsBuffer(string scheme, OptimizerPlacement placement, int groups)
    {
        foreach (LanguageModelConfiguration shape in new LanguageModelConfiguration[] { TestModels.Small, TestModels.SmallLlama })
        {
            using LanguageNetwork model = TestModels.Make(shape, Scheme.Parse(scheme), BackwardMode.Stored);
            AssertInBuffer(model, groups);
            using var optimizer = LanguageTask.Optimizer(model, _settings, placement);
            AssertInBuffer(model, groups);
        }
    }

    [TestMethod]
    public void TheParametersLieInOneBufferWithSmallGaps()
    {
        using LanguageNetwork model = TestModels.Make(TestModels.Small, Scheme.Midpoint, BackwardMode.Reversible);
        (long Start, long End)[] places =
            [.. model.parameters().Select(p => (p.storage_offset(), p.storage_offset() + p.numel())).OrderBy(place => place.Item1)];
        foreach (var (before, after) in places.Zip(places[1..])) Assert.IsLessThanOrEqualTo(after.Start, before.End);
        Assert.IsLessThanOrEqualTo(TestModels.Small.ParameterCount + 1024 * 4 + 64 * places.Length, places[^1].End);
    }

    /// <summary>A run that freezes the embedding trains the final norm and, where it is its own, the head.</summary>
    [TestMethod]
    public void SoDoesAnOptimizerOfAModelWhoseFirstParametersAreFrozen()
    {
        using LanguageNetwork model = TestModels.Make(TestModels.Small with { TiedHead = false }, Scheme.Midpoint, BackwardMode.Reversible);
        using var frozen = new FrozenWeights(model, embedding: true, layers: 2);
        using FlatAdamW optimizer = Optimizer(model);
        AssertInBuffer(model, 4);
        CollectionAssert.AreEqual(
            new long[] { 1024, 1024, 13 * 1024, 2048 }, optimizer.State.Take(4).Select(s => s.Value.numel()).ToArray(),
            "the last of head and norm: 50 · 32 + 2 · 64");
    }

    [TestMethod]
    public void WhereFrozenOnesLieBetweenTheyMoveAndComeBack()
    {
        using LanguageNetwork model = TestModels.Make(TestModels.Small, Scheme.Midpoint, BackwardMode.Reversible);
        using LanguageNetwork same = TestModels.Make(TestModels.Small, Scheme.Midpoint, BackwardMode.Reversible);
        Parameter[] first = [.. model.Blocks[0].parameters()];
        Parameter between = first.Where(p => p.dim() == 2).ElementAt(1);
        between.requires_grad = false;
        using (FlatAdamW part = Optimizer(model))
        {
            Fill(model, 0, 7);
            Assert.IsTrue(Holds(between, 7));
            Assert.IsFalse(first.Where(p => !ReferenceEquals(p, between)).Any(p => Holds(p, 7)), "moved");
        }
        between.requires_grad = true;
        Copy(same, model);
        using FlatAdamW whole = Optimizer(model);
        Assert.IsTrue(same.parameters().Zip(model.parameters(), TestModels.SameBits).All(bits => bits));
        AssertInBuffer(model, 4);
    }

    [TestMethod]
    public void ParametersPutElsewhereOrReplacedAreStillTrained()
    {
        using LanguageNetwork model = TestModels.Make(TestModels.Small, Scheme.Midpoint, BackwardMode.Reversible);
        using LanguageNetwork same = TestModels.Make(TestModels.Small, Scheme.Midpoint, BackwardMode.Reversible);
        using (no_grad())
        {
            using var scope = NewDisposeScope();
            foreach (Parameter parameter in model.Blocks[1].parameters()) parameter.set_(parameter.detach().clone());
        }
        foreach (LanguageNetwork network in new[] { model, same })
        {
            using FlatAdamW optimizer = Optimizer(network);
            foreach (Parameter parameter in network.parameters())
                using (no_grad()) parameter.grad!.fill_(0.5);
            optimizer.Step(1e-2);
        }
        Assert.IsTrue(same.parameters().Zip(model.parameters(), TestModels.SameBits).All(bits => bits));
    }

    private static FlatAdamW Optimizer(LanguageNetwork model) =>
        LanguageTask.Optimizer(model, _settings, OptimizerPlacement.AfterBackward);

    private static Parameter[][] Groups(LanguageNetwork model) => [.. FlatParameters.Groups(model, model.Stack)];

    private static void AssertInBuffer(LanguageNetwork model, int count)
    {
        Parameter[][] groups = Groups(model);
        Assert.AreEqual(count, groups.Length);
        Assert.AreEqual(model.parameters().Count(), groups.Sum(group => group.Length));
        for (int i = 0; i < count; i++)
        {
            Fill(model, i, 2 + i);
            foreach (Parameter parameter in groups[i]) Assert.IsTrue(Holds(parameter, 2 + i), $"group {i}");
        }
    }

    /// <summary>Writes a number into a group's stretch of the buffer.</summary>
    private static void Fill(LanguageNetwork model, int group, double value)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        model.Flat.Find(group, new FlatLayout(Groups(model)[group]))!.fill_(value);
    }

    private static bool Holds(Tensor tensor, double value)
    {
        using var scope = NewDisposeScope();
        return tensor.eq(value).all().item<bool>();
    }

    private static void Copy(LanguageNetwork from, LanguageNetwork to)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        foreach (var (source, target) in from.parameters().Zip(to.parameters())) target.copy_(source);
    }
}
