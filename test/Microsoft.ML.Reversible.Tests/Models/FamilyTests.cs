using System.Text.Json.Nodes;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Reversible.Tests.Language;
using Microsoft.ML.Reversible.Tests.Storage;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Models;

/// <summary>Tests what every decoder family must do, on tiny random models.</summary>
[TestClass]
public sealed class FamilyTests
{
    private readonly ScratchFolder _scratch = new();

    public static IEnumerable<ModelFamily> Families => Enum.GetValues<ModelFamily>();

    [TestCleanup]
    public void DeleteScratch() => _scratch.Dispose();

    [TestMethod]
    [DynamicData(nameof(Families))]
    public void EverySchemeDifferentiatesEveryParameter(ModelFamily family)
    {
        using var scope = NewDisposeScope();
        LanguageModelConfiguration shape = TestModels.Of(family);
        Tensor ids = TestModels.Ids(shape, 2, 16), targets = TestModels.Ids(shape, 2, 16, seed: 6).flatten();
        foreach (Scheme scheme in Scheme.All)
        {
            using LanguageNetwork network = TestModels.Make(shape, scheme, scheme.DefaultBackwardMode(Arithmetic.Float));
            double loss = LanguageModelLoss.Differentiate(network, ids, targets, new(1.0 / 32, 1)).item<double>();
            Assert.IsTrue(double.IsFinite(loss), $"{scheme}");
            foreach (NamedWeight weight in network.Weights())
            {
                float gradient = weight.Parameter.grad!.abs().sum().item<float>();
                Assert.IsTrue(gradient is > 0 and < float.PositiveInfinity, $"{weight.Name}, {scheme}");
            }
        }
    }

    [TestMethod]
    [DynamicData(nameof(Families))]
    public void GradientsAreThoseOfTheLoss(ModelFamily family)
    {
        using var scope = NewDisposeScope();
        LanguageModelConfiguration shape = TestModels.Of(family);
        using LanguageNetwork network = TestModels.Make(shape, Scheme.Residual, BackwardMode.Stored);
        foreach (Tensor parameter in network.parameters().Where(p => p.dim() == 2)) parameter.detach().mul_(5);
        Tensor ids = TestModels.Ids(shape, 2, 16), targets = TestModels.Ids(shape, 2, 16, seed: 6).flatten();
        LanguageModelLoss.Differentiate(network, ids, targets, new(1.0 / 32, 1), labelSmoothing: 0.1);
        Tensor[] gradients = [.. network.parameters().Select(p => p.grad!.clone())];
        network.zero_grad();

        Tensor log = nn.functional.log_softmax(network.call(ids).flatten(0, 1), 1);
        Tensor loss = log.gather(1, targets.unsqueeze(1)).mean() * -0.9 - log.mean() * 0.1;
        loss.backward();

        foreach (var (expected, actual) in network.parameters().Zip(gradients))
            Assert.IsLessThan(1e-4, TestModels.RelativeError(actual, expected.grad!));
    }

    [TestMethod]
    [DynamicData(nameof(Families))]
    public void EveryRowOfEveryParameterHasOneNameInFiles(ModelFamily family)
    {
        LanguageModelConfiguration shape = TestModels.Of(family) with { TiedHead = false };
        using LanguageNetwork model = TestModels.Make(shape, Scheme.Midpoint, BackwardMode.Stored);
        long parameters = model.parameters().Sum(p => p.numel());
        Assert.AreEqual(parameters, model.Weights().Sum(w => w.FileShape.Aggregate(1L, (product, size) => product * size)));
        CollectionAssert.AllItemsAreUnique(model.Weights().Select(w => w.Name).ToArray());
        Assert.AreEqual(model.Configuration.ParameterCount, parameters);
    }

    [TestMethod]
    [DynamicData(nameof(Families))]
    public void AModelOfOptionsIsSavedWithItsSchemeAndLoaded(ModelFamily family)
    {
        using LanguageNetwork network = TestModels.Make(TestModels.Of(family), Scheme.Leapfrog, BackwardMode.Reversible);
        TestFolders.Save(network, _scratch.File("m"));
        using LanguageModel model = TestFolders.Load(_scratch.File("m"));
        Assert.AreEqual(family, model.Network.Configuration.Family);
        Assert.AreEqual("leapfrog", model.Network.Stack.Scheme.ToString().Split(':')[0]);
        Assert.AreEqual(LanguageTask.Describe(network.Configuration), LanguageTask.Describe(model.Network.Configuration));
        long[] ids = [1, 2, 3, 4, 5, 6, 7, 8];
        CollectionAssert.AreEqual(TestFolders.Logits(network, ids), TestFolders.Logits(model.Network, ids));
    }

    [TestMethod]
    [DataRow(ModelFamily.Mistral)]
    [DataRow(ModelFamily.Gemma2)]
    public void ATokenBeyondTheWindowChangesNothing(ModelFamily family)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        using LanguageNetwork model = TestModels.Make(TestModels.Of(family) with { LayerCount = 1 }, Scheme.Residual, BackwardMode.Stored);
        Tensor ids = TestModels.Ids(model.Configuration, 1, 16), other = ids.clone();
        other[0, 3] = (ids[0, 3] + 1).remainder(50);
        Tensor changed = model.call(ids).ne(model.call(other)).any(2)[0];
        // The window is 5: the token itself and the four after it see it.
        CollectionAssert.AreEqual(
            Enumerable.Range(0, 16).Select(t => t is >= 3 and < 8).ToArray(), changed.data<bool>().ToArray());
    }

    [TestMethod]
    [DataRow(ModelFamily.Llama, "rope_scaling", """{"rope_type":"longrope","factor":2.0}""", "longrope")]
    [DataRow(ModelFamily.Llama, "rope_scaling", """{"rope_type":"linear"}""", "factor")]
    [DataRow(ModelFamily.Llama, "rope_scaling", """{"rope_type":"linear","factor":-1.0}""", "factor")]
    [DataRow(ModelFamily.Llama, "rope_parameters", """{"full_attention":{"rope_type":"default"}}""", "rope_parameters")]
    [DataRow(ModelFamily.Llama, "is_causal", "false", "is_causal")]
    [DataRow(ModelFamily.Llama, "num_local_experts", "8", "num_local_experts")]
    [DataRow(ModelFamily.Llama, "quantization_config", "{}", "quantized")]
    [DataRow(ModelFamily.Mistral, "sliding_window", "0", "sliding_window must be")]
    [DataRow(ModelFamily.Mistral, "hidden_act", "\"gelu\"", "hidden_act")]
    [DataRow(ModelFamily.Qwen2, "partial_rotary_factor", "0.5", "partial_rotary_factor")]
    [DataRow(ModelFamily.Qwen2, "sliding_window", "null", "sliding_window")]
    [DataRow(ModelFamily.Qwen3, "layer_types", """["full_attention","linear_attention","full_attention"]""", "linear_attention")]
    [DataRow(ModelFamily.Qwen3, "layer_types", """["full_attention"]""", "layer_types")]
    [DataRow(ModelFamily.Phi3, "rope_scaling", """{"type":"yarn","factor":2.0}""", "phi3")]
    [DataRow(ModelFamily.Phi3, "partial_rotary_factor", "0.1", "head_dim")]
    [DataRow(ModelFamily.Gemma2, "use_bidirectional_attention", "true", "use_bidirectional_attention")]
    [DataRow(ModelFamily.Gemma2, "hidden_activation", "\"gelu\"", "hidden_activation")]
    [DataRow(ModelFamily.Gemma2, "final_logit_softcapping", "0.0", "LogitCap")]
    [DataRow(ModelFamily.Gemma3, "rope_parameters", """{"full_attention":{"rope_type":"default"}}""", "sliding_attention")]
    [DataRow(
        ModelFamily.Gemma3, "rope_parameters",
        """{"full_attention":{"rope_type":"default"},"sliding_attention":{"rope_type":"linear","factor":2.0}}""", "sliding_attention")]
    [DataRow(ModelFamily.Smollm3, "no_rope_layers", "[1]", "no_rope_layers")]
    [DataRow(ModelFamily.Olmo2, "hidden_act", "\"relu\"", "hidden_act")]
    public void AConfigurationThatWouldBeComputedWrongIsRefusedByName(ModelFamily family, string field, string value, string named)
    {
        TestFolders.SaveRandom(_scratch.File("m"), TestModels.Of(family));
        TestFolders.ChangeJson(_scratch.File("m/config.json"), config => config[field] = JsonNode.Parse(value));
        StringAssert.Contains(
            Assert.ThrowsExactly<InvalidDataException>(() => TestFolders.Load(_scratch.File("m"))).Message, named);
    }

    /// <summary>transformers 5 refuses a Gemma 2 whose caps are whole numbers.</summary>
    [TestMethod]
    public void WholeNumbersInFieldsOfFloatsAreWrittenWithAPoint()
    {
        var gemma = (Gemma2Configuration)TestModels.Of(ModelFamily.Gemma2);
        TestFolders.SaveRandom(
            _scratch.File("m"), gemma with { GivenScoreCap = 50, GivenLogitCap = 30.25, Rope = new(1e4, new LinearScaling(4)) });
        string json = File.ReadAllText(_scratch.File("m/config.json"));
        foreach (string field in (string[])["\"attn_logit_softcapping\": 50.0,", "\"final_logit_softcapping\": 30.25,", "\"factor\": 4.0"])
            StringAssert.Contains(json, field);
        TestFolders.Load(_scratch.File("m")).Dispose();
    }

    [TestMethod]
    public void AFieldWithoutEffectIsPassedOver()
    {
        TestFolders.SaveRandom(_scratch.File("m"), TestModels.Of(ModelFamily.Qwen3));
        TestFolders.ChangeJson(_scratch.File("m/config.json"), config =>
        {
            config["attention_dropout"] = 0.1;
            config["use_cache"] = true;
            config["a_field_of_tomorrow"] = 7;
        });
        TestFolders.Load(_scratch.File("m")).Dispose();
    }

    [TestMethod]
    public void AnUnknownModelTypeIsRefusedWithTheKnownOnes()
    {
        TestFolders.SaveRandom(_scratch.File("m"), TestModels.SmallLlama);
        TestFolders.ChangeJson(_scratch.File("m/config.json"), config => config["model_type"] = "mamba");
        string message = Assert.ThrowsExactly<InvalidDataException>(() => TestFolders.Load(_scratch.File("m"))).Message;
        foreach (string name in (string[])["mamba", "LlamaForCausalLM", .. ModelFamilyRow.All.Select(row => row.ModelType)])
            StringAssert.Contains(message, name);
    }
}
