using Microsoft.ML.Reversible.Models;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Models;

[TestClass]
public sealed class LoraTargetsTests
{
    [TestMethod]
    [DataRow("q_proj", "model.layers.0.self_attn.q_proj", true)]
    [DataRow("q_proj", "q_proj", true)]
    [DataRow("proj", "model.layers.0.self_attn.q_proj", false)]
    [DataRow("self_attn.q_proj", "model.layers.0.self_attn.q_proj", true)]
    [DataRow("model.layers.0.self_attn.q_proj", "model.layers.0.self_attn.q_proj", true)]
    [DataRow("layers.0.self_attn", "model.layers.0.self_attn.q_proj", false)]
    [DataRow(" k_proj , q_proj", "model.layers.0.self_attn.q_proj", true)]
    [DataRow("Q_PROJ", "model.layers.0.self_attn.q_proj", false)]
    [DataRow(@".*\.[0-3]\..*proj", "model.layers.2.self_attn.q_proj", true)]
    [DataRow(@".*\.[0-3]\..*proj", "model.layers.12.self_attn.q_proj", false)]
    [DataRow(@".*q_pro", "model.layers.2.self_attn.q_proj", false)]
    [DataRow(@"q_proj|v_proj", "model.layers.2.self_attn.q_proj", false)]
    [DataRow(@".*\.(q_proj|v_proj)", "model.layers.2.self_attn.v_proj", true)]
    [DataRow(@".*layers\.\d{1,2}\.mlp.*, q_proj", "model.layers.2.self_attn.q_proj", true)]
    [DataRow(@".*layers\.\d{1,2}\.mlp.*, q_proj", "model.layers.2.mlp.up_proj", true)]
    [DataRow(@".*layers\.\d{1,2}\.mlp.*, q_proj", "model.layers.200.mlp.up_proj", false)]
    [DataRow(@"(?P<any>.*)\.v_proj", "model.layers.2.self_attn.v_proj", true)]
    [DataRow("all-linear", "model.layers.2.self_attn.v_proj", true)]
    [DataRow("All-Linear", "transformer.h.0.attn.c_attn", true)]
    public void NamesAndPatternsMatchAsInPeft(string targets, string module, bool match) =>
        Assert.AreEqual(match, LoraTargets.Parse(targets).Match(module));

    [TestMethod]
    [DataRow("q_proj", "model.layers.0.self_attn.q_proj", true)]
    [DataRow("q_proj", "model.layers.0.self_attn.eq_proj", false)]
    [DataRow(@"layers\.[01]\..*", "model.layers.1.mlp.up_proj", true)]
    [DataRow(@"^model\.layers\.1\.mlp\.up_proj", "model.layers.1.mlp.up_proj", true)]
    [DataRow(@"model.layers.1.mlp", "model.layers.1.mlp.up_proj", false)]
    public void KeysOfPatternsMatchTheEndsOfNames(string key, string module, bool match) =>
        Assert.AreEqual(match, LoraTargets.EndMatches(key, module));

    [TestMethod]
    [DataRow("", "must be all-linear")]
    [DataRow(" , ", "must be all-linear")]
    [DataRow("q_proj,(v_proj", "is not a regular expression")]
    [DataRow("*", "is not a regular expression")]
    public void WhatIsNeitherANameNorAPatternIsRefused(string targets, string message) =>
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => LoraTargets.Parse(targets)).Message, message);

    [TestMethod]
    public void APatternThatTakesForEverIsRefused() => StringAssert.Contains(
        Assert.ThrowsExactly<ArgumentException>(
            () => LoraTargets.Parse(@"(?=m)(([a-z.0-9_]+)+)+!").Match("model.layers.0.self_attn.q_proj.and.some.more.of.it")).Message,
        "takes too long");

    [TestMethod]
    public void APatternThatNeedsNoBacktrackingIsMatchedInTimeProportionalToTheName()
    {
        const string Module = "model.layers.0.self_attn.q_proj.and.some.more.of.it", Nested = "(([a-z.0-9_]+)+)+";
        Assert.IsFalse(LoraTargets.Parse(Nested + "!").Match(Module));
        Assert.IsTrue(LoraTargets.Parse(Nested).Match(Module));
        Assert.IsFalse(LoraTargets.EndMatches(Nested + "!", Module));
        Assert.AreEqual((false, true), (LoraTargets.Backtracks(Nested), LoraTargets.Backtracks("(?!x)" + Nested)));
    }

    [TestMethod]
    [DataRow("w_proj", "'w_proj'")]
    [DataRow("q_proj,w_proj", "'w_proj'")]
    [DataRow("lm_head", "'lm_head'")]
    [DataRow("embed_tokens", "'embed_tokens'")]
    [DataRow(@".*\.7\..*", @"'.*\.7\..*'")]
    public void WhatMatchesNothingIsNamedWithTheNamesThatExist(string targets, string named)
    {
        using LanguageNetwork network = TestModels.Make(TestModels.SmallLlama, Scheme.Residual, BackwardMode.Stored);
        string message = Assert.ThrowsExactly<ArgumentException>(
            () => network.WithAdapter(Adapters.Settings(targets), seed: 1)).Message;
        StringAssert.Contains(message, named);
        StringAssert.Contains(
            message,
            "self_attn.q_proj, self_attn.k_proj, self_attn.v_proj, self_attn.o_proj, mlp.gate_proj, mlp.up_proj and mlp.down_proj");
    }

    [TestMethod]
    public void NumbersOutOfTheirRangesAreRefused()
    {
        using LanguageNetwork network = TestModels.Make(TestModels.Small, Scheme.Residual, BackwardMode.Stored);
        LoraSettings settings = Adapters.Settings();
        Refuse(settings with { Rank = 0 }, "Rank must be at least 1, and is 0");
        Refuse(settings with { Rank = -3 }, "Rank must be at least 1, and is -3");
        Refuse(settings with { RankPattern = [("c_attn", 0)] }, "Rank must be at least 1, and is 0");
        Refuse(settings with { Alpha = 0 }, "Alpha must be positive and finite");
        Refuse(settings with { Alpha = double.NaN }, "Alpha must be positive and finite");
        Refuse(settings with { AlphaPattern = [("c_attn", double.PositiveInfinity)] }, "Alpha must be positive and finite");
        Refuse(settings with { Dropout = 1 }, "Dropout must be within [0, 1)");

        void Refuse(LoraSettings wrong, string message) => StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => network.WithAdapter(wrong, seed: 1)).Message, message);
    }

    [TestMethod]
    public void RanksAndScalesFollowThePatterns()
    {
        LoraSettings settings = new(8, 16, RankStabilized: false, "q_proj")
        {
            RankPattern = [(@"layers\.0\..*", 2), ("q_proj", 4)],
            AlphaPattern = [("v_proj", 6)],
        };
        Assert.AreEqual(2, settings.RankOf("model.layers.0.self_attn.q_proj"));
        Assert.AreEqual(4, settings.RankOf("model.layers.1.self_attn.q_proj"));
        Assert.AreEqual(8, settings.RankOf("model.layers.1.self_attn.v_proj"));
        Assert.AreEqual(8.0, settings.ScaleOf("model.layers.0.self_attn.q_proj"));
        Assert.AreEqual(0.75, settings.ScaleOf("model.layers.1.self_attn.v_proj"));
        Assert.AreEqual(6 / Math.Sqrt(8), (settings with { RankStabilized = true }).ScaleOf("model.layers.1.self_attn.v_proj"), 1e-15);
    }

    [TestMethod]
    public void EveryFamilyHasAdaptersOnAllMatricesOfItsBlocksByTheirNamesInFiles()
    {
        foreach (ModelFamily family in Enum.GetValues<ModelFamily>())
        {
            using LanguageNetwork network = TestModels.Make(TestModels.Of(family), Scheme.Residual, BackwardMode.Stored);
            using LanguageNetwork adapted = network.WithAdapter(Adapters.Settings(), seed: 1);
            string[] matrices =
            [
                .. network.Weights().Where(weight => weight.Shape.Count == 2 && weight.Name.Contains(network.LayerPrefix))
                    .Select(weight => weight.Name[..^".weight".Length]),
            ];
            CollectionAssert.AreEqual(matrices, network.AdaptableNames.ToArray(), $"{family}");
            CollectionAssert.AreEqual(
                matrices.SelectMany(name => (string[])[$"base_model.model.{name}.lora_A.weight", $"base_model.model.{name}.lora_B.weight"])
                    .ToArray(),
                adapted.AdapterWeights().Select(weight => weight.Name).ToArray(), $"{family}");
        }
    }
}
