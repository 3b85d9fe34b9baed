using System.Text.Json.Nodes;
using Microsoft.ML.Reversible.Tests.Storage;

namespace Microsoft.ML.Reversible.Tests.Language;

/// <summary>Tests folders that are damaged or malicious: the message names the file and what is wrong in it.</summary>
[TestClass]
public sealed class HostileFolderTests
{
    private static readonly MLContext Ml = new(seed: 1);
    private static readonly DirectoryInfo Good = Directory.CreateTempSubdirectory("reversible-test-");
    private readonly ScratchFolder _scratch = new();

    [ClassInitialize]
    public static void Save(TestContext _)
    {
        using ReversibleLmTransformer model = Corpus.Train(Ml, o => o.MaxSteps = 1);
        model.SavePretrained(Path.Combine(Good.FullName, "m"));
    }

    [ClassCleanup]
    public static void DeleteGood() => Good.Delete(recursive: true);

    [TestInitialize]
    public void Copy()
    {
        foreach (string file in Directory.GetFiles(Path.Combine(Good.FullName, "m")))
            File.Copy(file, _scratch.File(Path.GetFileName(file)));
    }

    [TestCleanup]
    public void Delete() => _scratch.Dispose();

    [TestMethod]
    [DataRow("n_layer", "2000000000", "h.2.")]
    [DataRow("n_positions", "2000000000", "wpe.weight")]
    [DataRow("vocab_size", "2000000000", "wte.weight")]
    [DataRow("n_embd", "2000000000", "n_embd must be at most")]
    [DataRow("n_embd", "500000000", "wte.weight")]
    [DataRow("n_inner", "2000000000", "c_fc.weight")]
    [DataRow("n_embd", "-32", "n_embd must be at least 1")]
    [DataRow("n_head", "0", "n_head must be at least 1")]
    [DataRow("n_head", "5", "n_head must divide n_embd, which is 32")]
    [DataRow("n_layer", "1e300", "n_layer")]
    [DataRow("n_layer", "\"2\"", "n_layer")]
    [DataRow("n_layer", "[2]", "n_layer")]
    [DataRow("n_layer", "null", "n_layer")]
    [DataRow("layer_norm_epsilon", "0", "layer_norm_epsilon must be positive")]
    [DataRow("activation_function", "\"swish\"", "swish")]
    [DataRow("tie_word_embeddings", "false", "lm_head.weight")]
    [DataRow("tie_word_embeddings", "\"no\"", "tie_word_embeddings")]
    [DataRow("model_type", "7", "model_type")]
    [DataRow("model_type", "\"mamba\"", "mamba")]
    [DataRow("model_type", "\"llama\"", "num_attention_heads")]
    [DataRow("scale_attn_weights", "false", "scale_attn_weights")]
    [DataRow("scale_attn_by_inverse_layer_idx", "true", "scale_attn_by_inverse_layer_idx")]
    [DataRow("reorder_and_upcast_attn", "true", "reorder_and_upcast_attn")]
    [DataRow("add_cross_attention", "true", "add_cross_attention")]
    [DataRow("quantization_config", "{}", "quantized")]
    [DataRow("eos_token_id", "[\"a\"]", "eos_token_id")]
    [DataRow("reversible", "7", "reversible")]
    [DataRow("reversible", "{}", "scheme")]
    [DataRow("reversible", "{\"scheme\":\"unheard\"}", "unheard")]
    public void AnImpossibleConfigurationIsRefusedByField(string field, string value, string named)
    {
        JsonNode json = JsonNode.Parse(File.ReadAllText(_scratch.File("config.json")))!;
        json[field] = JsonNode.Parse(value);
        File.WriteAllText(_scratch.File("config.json"), json.ToJsonString());
        StringAssert.Contains(Refused().Message, named);
    }

    [TestMethod]
    [DataRow("")]
    [DataRow("[]")]
    [DataRow("null")]
    [DataRow("""{"model_type":"gpt2","model_type":"gpt2"}""")]
    public void AConfigurationThatIsNoObjectIsRefusedByName(string content)
    {
        File.WriteAllText(_scratch.File("config.json"), content);
        StringAssert.Contains(Refused().Message, "config.json");
    }

    [TestMethod]
    public void DeepNestingIsRefused()
    {
        File.WriteAllText(_scratch.File("config.json"), new string('[', 1 << 20));
        StringAssert.Contains(Refused().Message, "config.json");
    }

    [TestMethod]
    [DataRow("model_type")]
    [DataRow("activation_function")]
    [DataRow("n_layer")]
    [DataRow("scheme")]
    [DataRow("arithmetic")]
    public void AVeryLongTextIsNotRepeatedInTheMessage(string field)
    {
        JsonNode json = JsonNode.Parse(File.ReadAllText(_scratch.File("config.json")))!;
        JsonNode owner = json[field] is null ? json["reversible"]! : json;
        owner[field] = new string('x', 10 << 20);
        File.WriteAllText(_scratch.File("config.json"), json.ToJsonString());
        Assert.IsLessThan(2000, Refused().Message.Length);
    }

    [TestMethod]
    public void APaddedVocabularyIsNotDrawnFrom()
    {
        using ReversibleLmTransformer model = Ml.Reversible().LoadPretrained(_scratch.FullName);
        JsonObject vocabulary = JsonNode.Parse(File.ReadAllText(_scratch.File("vocab.json")))!.AsObject();
        string[] dropped = [.. vocabulary.OrderByDescending(token => (int)token.Value!).Take(200).Select(token => token.Key)];
        int endOfText = vocabulary.Count - 1 - dropped.Length;
        foreach (string token in dropped.Append("<|endoftext|>")) vocabulary.Remove(token);
        foreach (string token in vocabulary.Select(token => token.Key).Skip(endOfText).ToArray()) vocabulary.Remove(token);
        vocabulary["<|endoftext|>"] = endOfText;
        File.WriteAllText(_scratch.File("vocab.json"), vocabulary.ToJsonString());

        using ReversibleLmTransformer padded = Ml.Reversible().LoadPretrained(_scratch.FullName);
        Assert.IsLessThan(padded.Configuration.VocabularySize, endOfText);
        for (int seed = 0; seed < 10; seed++) padded.Generate("", maxTokens: 20, temperature: 5, seed: seed);
    }

    private InvalidDataException Refused() =>
        Assert.ThrowsExactly<InvalidDataException>(() => Ml.Reversible().LoadPretrained(_scratch.FullName));
}
