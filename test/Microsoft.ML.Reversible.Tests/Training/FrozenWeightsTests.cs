using Microsoft.ML.Reversible.Language;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Training;

[TestClass]
public sealed class FrozenWeightsTests
{
    [TestMethod]
    [DataRow("midpoint", BackwardMode.Reversible, OptimizerPlacement.AfterBackward)]
    [DataRow("midpoint", BackwardMode.Reversible, OptimizerPlacement.InsideBackward)]
    [DataRow("hamiltonian", BackwardMode.Reversible, OptimizerPlacement.AfterBackward)]
    [DataRow("iterated-inverse:a=-1", BackwardMode.Reversible, OptimizerPlacement.InsideBackward)]
    [DataRow("residual", BackwardMode.Checkpointed, OptimizerPlacement.InsideBackward)]
    [DataRow("residual", BackwardMode.Stored, OptimizerPlacement.AfterBackward)]
    public void StayAsTheyWereWhileTheOthersAreTrained(string scheme, BackwardMode backwardMode, OptimizerPlacement placement)
    {
        string[] changed = Changed(scheme, backwardMode, placement, o => (o.FreezeEmbedding, o.FrozenLayerCount) = (true, 2));
        string[] frozen = ["transformer.wte.", "transformer.wpe.", "transformer.h.0.", "transformer.h.1."];
        Assert.IsFalse(changed.Any(name => frozen.Any(name.StartsWith)), string.Join(" ", changed));
        CollectionAssert.IsSubsetOf(
            new[] { "transformer.h.2.mlp.c_fc.weight", "transformer.h.2.attn.c_attn.bias", "transformer.ln_f.weight" }, changed);
    }

    [TestMethod]
    public void LayersAloneAreFrozenBelowATrainedEmbedding()
    {
        string[] changed = Changed("midpoint", BackwardMode.Reversible, OptimizerPlacement.InsideBackward, o => o.FrozenLayerCount = 3);
        CollectionAssert.AreEquivalent(
            new[] { "transformer.wte.weight", "transformer.wpe.weight", "transformer.ln_f.weight", "transformer.ln_f.bias" }, changed);
    }

    [TestMethod]
    public void AHeadOfItsOwnIsTrainedWhereTheEmbeddingIsFrozen()
    {
        string[] changed = Changed(
            "midpoint", BackwardMode.Reversible, OptimizerPlacement.AfterBackward,
            o => (o.FreezeEmbedding, o.FrozenLayerCount, o.TiedHead) = (true, 3, false));
        CollectionAssert.AreEquivalent(new[] { "lm_head.weight", "transformer.ln_f.weight", "transformer.ln_f.bias" }, changed);
    }

    [TestMethod]
    public void TheOthersGradientsAreThoseOfTheWholeModel()
    {
        using var scope = NewDisposeScope();
        using LanguageNetwork whole = TestModels.Make(TestModels.Small, Scheme.Midpoint, BackwardMode.Reversible);
        using LanguageNetwork part = TestModels.Make(TestModels.Small, Scheme.Midpoint, BackwardMode.Reversible);
        using var frozen = new FrozenWeights(part, embedding: true, layers: 1);
        Tensor ids = TestModels.Ids(TestModels.Small, 2, 16), targets = TestModels.Ids(TestModels.Small, 2, 16, seed: 6).flatten();
        LanguageModelLoss.Differentiate(whole, ids, targets, new(1.0 / 32));
        LanguageModelLoss.Differentiate(part, ids, targets, new(1.0 / 32));
        foreach (var (expected, actual) in whole.parameters().Zip(part.parameters()))
        {
            if (actual.requires_grad) Assert.IsTrue(TestModels.SameBits(expected.grad!, actual.grad!));
            else Assert.IsNull(actual.grad);
        }
    }

    [TestMethod]
    public void MoreLayersThanTheModelHasAreRefused()
    {
        var e = Assert.ThrowsExactly<ArgumentOutOfRangeException>(
            () => Changed("midpoint", BackwardMode.Reversible, OptimizerPlacement.AfterBackward, o => o.FrozenLayerCount = 4));
        StringAssert.Contains(e.Message, "within [0, 3]");
    }

    /// <summary>The names of the weights that a short run changes.</summary>
    private static string[] Changed(
        string scheme, BackwardMode backwardMode, OptimizerPlacement placement, Action<ReversibleLmTrainer.Options> freeze)
    {
        var ml = new MLContext(1);
        using ReversibleLmTransformer before = Fit(1e-30), after = Fit(1e-2);
        Assert.IsTrue(after.Network.parameters().All(p => p.requires_grad), "The weights are free again after the run.");
        return [.. before.Network.Weights().Zip(after.Network.Weights())
            .Where(pair => !TestModels.SameBits(pair.First.View(), pair.Second.View())).Select(pair => pair.First.Name)];

        ReversibleLmTransformer Fit(double rate) => Corpus.Train(ml, o =>
        {
            (o.Scheme, o.BackwardMode, o.LayerCount, o.MaxSteps, o.WarmupSteps) = (Scheme.Parse(scheme), backwardMode, 3, 2, 0);
            (o.OptimizerPlacement, o.MaxGradNorm, o.LearningRate, o.FinalLearningRate, o.WeightDecay) = (placement, 0, rate, 0, 0);
            freeze(o);
        });
    }
}
