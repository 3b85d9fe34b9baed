using System.Text.Json.Nodes;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Reversible.Tests.Language;
using Microsoft.ML.Reversible.Tests.Storage;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Models;

/// <summary>Tests the forms of weight files, and the messages for files that do not fit.</summary>
[TestClass]
public sealed class PretrainedWeightsTests
{
    private readonly ScratchFolder _scratch = new();

    public static IEnumerable<object[]> Families => [[TestModels.Small], [TestModels.SmallLlama]];

    [TestCleanup]
    public void Delete() => _scratch.Dispose();

    [TestMethod]
    [DynamicData(nameof(Families))]
    public void NamesMayLackThePrefix(LanguageModelConfiguration shape)
    {
        TestFolders.SaveRandom(_scratch.File("m"), shape with { TiedHead = false });
        using LanguageModel before = TestFolders.Load(_scratch.File("m"));
        TestFolders.ChangeTensors(_scratch.File("m"), tensors =>
        {
            foreach (string name in tensors.Keys.Where(name => name != "lm_head.weight").ToArray())
                Rename(tensors, name, name[(name.IndexOf('.') + 1)..]);
        });
        using LanguageModel after = TestFolders.Load(_scratch.File("m"));
        Assert.IsTrue(TestFolders.SameWeights(before.Network, after.Network));
    }

    [TestMethod]
    [DataRow(ScalarType.Float16)]
    [DataRow(ScalarType.BFloat16)]
    [DataRow(ScalarType.Float64)]
    public void EveryFloatingTypeBecomesFloat32Exactly(ScalarType type)
    {
        TestFolders.SaveRandom(_scratch.File("m"), TestModels.Small);
        Dictionary<string, float[]> expected = [];
        TestFolders.ChangeTensors(_scratch.File("m"), tensors =>
        {
            foreach (string name in tensors.Keys.ToArray())
            {
                tensors[name] = tensors[name].to(type);
                expected[name] = tensors[name].to(ScalarType.Float32).data<float>().ToArray();
            }
        });
        using LanguageModel model = TestFolders.Load(_scratch.File("m"));
        foreach (NamedWeight weight in model.Network.Weights())
        {
            using var scope = NewDisposeScope();
            CollectionAssert.AreEqual(expected[weight.Name], weight.View().contiguous().data<float>().ToArray(), weight.Name);
        }
    }

    [TestMethod]
    public void BuffersOfOlderFilesAndASecondCopyOfATiedHeadAreNoTrouble()
    {
        TestFolders.SaveRandom(_scratch.File("gpt"), TestModels.Small);
        TestFolders.ChangeTensors(_scratch.File("gpt"), tensors =>
        {
            tensors["transformer.h.0.attn.bias"] = ones([1, 1, 16, 16], dtype: ScalarType.Bool);
            tensors["transformer.h.0.attn.masked_bias"] = tensor(-1e4f);
            tensors["lm_head.weight"] = tensors["transformer.wte.weight"].clone();
        });
        TestFolders.Load(_scratch.File("gpt")).Dispose();

        TestFolders.SaveRandom(_scratch.File("llama"), TestModels.SmallLlama);
        TestFolders.ChangeTensors(
            _scratch.File("llama"), tensors => tensors["model.layers.1.self_attn.rotary_emb.inv_freq"] = ones([4]));
        TestFolders.Load(_scratch.File("llama")).Dispose();
    }

    [TestMethod]
    [DynamicData(nameof(Families))]
    public void AnUntiedHeadThatIsMissingIsSaid(LanguageModelConfiguration shape)
    {
        TestFolders.SaveRandom(_scratch.File("m"), shape);
        TestFolders.ChangeJson(_scratch.File("m/config.json"), config => config["tie_word_embeddings"] = false);
        StringAssert.Contains(Refused().Message, "Missing: lm_head.weight.");
    }

    [TestMethod]
    public void OneMessageListsEverythingThatDoesNotFit()
    {
        TestFolders.SaveRandom(_scratch.File("m"), TestModels.SmallLlama);
        TestFolders.ChangeTensors(_scratch.File("m"), tensors =>
        {
            Rename(tensors, "model.layers.0.mlp.up_proj.weight", "model.layers.0.mlp.fc.weight");
            Rename(tensors, "model.layers.2.self_attn.q_proj.weight", "model.layers.3.self_attn.q_proj.weight");
            tensors["model.norm.weight"] = ones([31]);
            tensors["model.layers.1.input_layernorm.weight"] = ones([32], dtype: ScalarType.Int32);
        });
        string message = Refused().Message;
        foreach (string part in new[]
        {
            "model.safetensors", "Missing: model.layers.0.mlp.up_proj.weight, model.layers.2.self_attn.q_proj.weight",
            "Not known: ", "model.layers.0.mlp.fc.weight", "model.layers.3.self_attn.q_proj.weight",
            "model.norm.weight [31], by config.json [32]", "model.layers.1.input_layernorm.weight I32",
        })
            StringAssert.Contains(message, part);
    }

    [TestMethod]
    public void TheMessageStaysShortHoweverMuchDoesNotFit()
    {
        TestFolders.SaveRandom(_scratch.File("m"), TestModels.SmallLlama);
        TestFolders.ChangeTensors(_scratch.File("m"), tensors =>
        {
            for (int i = 0; i < 500; i++) tensors[new string('x', 2000) + i] = zeros([1]);
        });
        TestFolders.ChangeJson(_scratch.File("m/config.json"), config => config["num_hidden_layers"] = 2000000000);
        Assert.IsLessThan(5000, Refused().Message.Length);
    }

    [TestMethod]
    [DataRow("hidden_size", 2000000000)]
    [DataRow("intermediate_size", 2000000000)]
    [DataRow("vocab_size", 2000000000)]
    [DataRow("num_hidden_layers", 2000000000)]
    [DataRow("num_attention_heads", 2000000000)]
    [DataRow("head_dim", 2000000000)]
    [DataRow("max_position_embeddings", 2000000000)]
    public void AConfigurationTakesNoMemoryThatTheFilesDoNotBackUp(string field, int value)
    {
        TestFolders.SaveRandom(_scratch.File("m"), TestModels.SmallLlama);
        TestFolders.ChangeJson(_scratch.File("m/config.json"), config => config[field] = value);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Refused();
        Assert.IsLessThan(8 << 20, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [TestMethod]
    [DataRow("hidden_act", "\"gelu\"", "hidden_act")]
    [DataRow("pretraining_tp", "2", "pretraining_tp")]
    [DataRow("num_key_value_heads", "3", "num_key_value_heads must divide num_attention_heads, which is 4")]
    [DataRow("rms_norm_eps", "0", "rms_norm_eps must be positive")]
    [DataRow("rope_theta", "-1", "rope_theta must be positive")]
    [DataRow("attention_bias", "true", "q_proj.bias")]
    [DataRow("mlp_bias", "true", "down_proj.bias")]
    [DataRow("rope_parameters", """{"rope_type":"longrope","rope_theta":10000.0}""", "longrope")]
    [DataRow("rope_parameters", "7", "rope_parameters")]
    public void ALlamaThatWouldBeComputedWrongIsRefusedByField(string field, string value, string named)
    {
        TestFolders.SaveRandom(_scratch.File("m"), TestModels.SmallLlama);
        TestFolders.ChangeJson(_scratch.File("m/config.json"), config => config[field] = JsonNode.Parse(value));
        StringAssert.Contains(Refused().Message, named);
    }

    [TestMethod]
    public void RotaryPositionsAreReadFromTheNewerFieldToo()
    {
        TestFolders.SaveRandom(_scratch.File("m"), TestModels.SmallLlama);
        TestFolders.ChangeJson(_scratch.File("m/config.json"), config =>
        {
            config.Remove("rope_theta");
            config["rope_parameters"] = new JsonObject { ["rope_type"] = "default", ["rope_theta"] = 12345.0 };
        });
        using LanguageModel model = TestFolders.Load(_scratch.File("m"));
        Assert.AreEqual(12345, ((LlamaConfiguration)model.Network.Configuration).RopeTheta);
    }

    private static void Rename(Dictionary<string, Tensor> tensors, string from, string to)
    {
        tensors[to] = tensors[from];
        tensors.Remove(from);
    }

    private InvalidDataException Refused() =>
        Assert.ThrowsExactly<InvalidDataException>(() => TestFolders.Load(_scratch.File("m")).Dispose());
}
