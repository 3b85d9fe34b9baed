using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Reversible.Tests.Language;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Models;

/// <summary>Tests networks with adapters against the networks whose matrices are W + s B A.</summary>
[TestClass]
public sealed class LowRankAdapterTests
{
    public static IEnumerable<object[]> Cases =>
        from family in Enum.GetValues<ModelFamily>()
        from targets in family switch
        {
            ModelFamily.Gpt2 => (string[])["all-linear", "c_attn", "attn.c_proj,mlp.c_fc"],
            ModelFamily.Phi3 => ["all-linear", "qkv_proj", "gate_up_proj"],
            ModelFamily.Llama => ["all-linear", "q_proj,v_proj", "k_proj", "up_proj,o_proj", @".*\.1\..*_proj"],
            _ => ["all-linear", "v_proj,down_proj"],
        }
        select new object[] { family, targets };

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void LogitsAndGradientsAreThoseOfTheMergedMatrices(ModelFamily family, string targets)
    {
        using var scope = NewDisposeScope();
        using LanguageNetwork network = TestModels.Make(TestModels.Of(family), Scheme.Residual, BackwardMode.Stored);
        using LanguageNetwork adapted = Adapters.Randomize(network.WithAdapter(Adapters.Settings(targets), seed: 1));
        AssertLikeMerged(network, adapted);
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void PartsOfAMatrixMayHaveRanksAndScalesOfTheirOwn(bool rankStabilized)
    {
        using var scope = NewDisposeScope();
        using LanguageNetwork network = TestModels.Make(TestModels.SmallLlama, Scheme.Residual, BackwardMode.Stored);
        LoraSettings settings = Adapters.Settings("q_proj,v_proj,mlp.up_proj,mlp.gate_proj") with
        {
            RankStabilized = rankStabilized,
            RankPattern = [(@"layers\.1\..*v_proj", 5), ("up_proj", 1)],
            AlphaPattern = [("q_proj", 2), ("gate_proj", 4.5)],
        };
        using LanguageNetwork adapted = Adapters.Randomize(network.WithAdapter(settings, seed: 1));
        Assert.AreEqual(5, adapted.AdapterWeights().Single(w => w.Name.Contains("layers.1.self_attn.v_proj.lora_A")).Shape[0]);
        AssertLikeMerged(network, adapted);
    }

    [TestMethod]
    public void ANewAdapterChangesNoBitOfTheLogits()
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        foreach (LanguageModelConfiguration shape in (LanguageModelConfiguration[])[TestModels.Small, TestModels.SmallLlama])
        {
            using LanguageNetwork network = TestModels.Make(shape, Scheme.Midpoint, BackwardMode.Stored);
            using LanguageNetwork adapted = network.WithAdapter(Adapters.Settings(), seed: 1);
            Tensor ids = TestModels.Ids(shape, 2, 16);
            Assert.IsTrue(TestModels.SameBits(network.call(ids), adapted.call(ids)));
        }
    }

    /// <summary>PyTorch's kaiming_uniform_(a=√5) of a matrix of [outputs, inputs] is uniform within ±1/√inputs.</summary>
    [TestMethod]
    public void AIsUniformAsInPeftAndBIsZero()
    {
        using var scope = NewDisposeScope();
        using LanguageNetwork network = TestModels.Make(TestModels.Small with { Width = 64 }, Scheme.Residual, BackwardMode.Stored);
        LoraSettings settings = Adapters.Settings("c_attn,c_fc,mlp.c_proj") with { Rank = 32 };
        using LanguageNetwork adapted = network.WithAdapter(settings, seed: 1), same = network.WithAdapter(settings, seed: 1);
        using LanguageNetwork other = network.WithAdapter(settings, seed: 2);
        foreach (NamedWeight weight in adapted.AdapterWeights())
        {
            double largest = weight.View().abs().max().ToDouble(), bound = 1 / Math.Sqrt(weight.Shape[1]);
            if (weight.Name.EndsWith("lora_B.weight")) Assert.AreEqual(0.0, largest);
            else
            {
                Assert.IsTrue(largest <= bound && largest > 0.98 * bound, weight.Name);
                Assert.AreEqual(bound / Math.Sqrt(3), weight.View().std().ToDouble(), 0.05 * bound);
            }
        }
        Assert.IsTrue(TestFolders.SameWeights(adapted, same));
        Assert.IsFalse(TestFolders.SameWeights(adapted, other));
    }

    [TestMethod]
    [TestCategory("Cuda")]
    public void ASeedGivesTheSameAdapterOnCuda()
    {
        Device device = TestModels.RequireCuda();
        using LanguageNetwork network = TestModels.Make(TestModels.SmallLlama, Scheme.Residual, BackwardMode.Stored);
        using LanguageNetwork onCuda = TestModels.Make(TestModels.SmallLlama, Scheme.Residual, BackwardMode.Stored, device: device);
        using LanguageNetwork adapted = network.WithAdapter(Adapters.Settings(), seed: 1);
        using LanguageNetwork adaptedOnCuda = onCuda.WithAdapter(Adapters.Settings(), seed: 1);
        Assert.IsTrue(TestFolders.SameWeights(adapted, adaptedOnCuda));
    }

    private static void AssertLikeMerged(LanguageNetwork network, LanguageNetwork adapted)
    {
        using LanguageNetwork merged = adapted.Merge();
        Assert.IsFalse(TestFolders.SameWeights(network, merged));
        Tensor ids = TestModels.Ids(network.Configuration, 2, 16);
        using (no_grad())
        {
            Assert.IsLessThan(2e-6, TestModels.RelativeError(adapted.call(ids), merged.call(ids)));
            Assert.IsGreaterThan(1e-3, TestModels.RelativeError(adapted.call(ids), network.call(ids)));
        }

        Adapters.Differentiate(adapted);
        Adapters.Differentiate(merged);
        Dictionary<string, NamedWeight> byName = adapted.AdapterWeights().ToDictionary(weight => weight.Name);
        foreach ((NamedWeight own, NamedWeight whole) in adapted.Weights().Zip(merged.Weights()))
        {
            Assert.IsNull(own.Parameter.grad, own.Name);
            if (own.Adapter is not { } part) continue;
            string at = LanguageNetwork.AdapterPrefix + own.Name[..^".weight".Length];
            NamedWeight a = byName[at + ".lora_A.weight"], b = byName[at + ".lora_B.weight"];
            Tensor gradient = whole.Parameter.grad!.narrow(0, whole.FirstRow, whole.Shape[0]);
            AssertClose(GradientOf(a), b.View().t().mm(gradient) * part.Scale, a.Name);
            AssertClose(GradientOf(b), gradient.mm(a.View().t()) * part.Scale, b.Name);
        }

        static Tensor GradientOf(NamedWeight weight) => weight.Parameter.grad!.narrow(0, weight.FirstRow, weight.Shape[0]);

        static void AssertClose(Tensor actual, Tensor expected, string name) =>
            Assert.IsLessThan(1e-4, TestModels.RelativeError(actual, expected), name);
    }
}
