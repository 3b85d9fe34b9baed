using System.Text.Json.Nodes;

namespace Microsoft.ML.Reversible.Checkpoints;

/// <summary>The fields of a config.json in Hugging Face's words for Llama.</summary>
internal static class LlamaConfigurationFile
{
    public const string ModelType = "llama";

    public static JsonObject Write(LlamaConfiguration configuration) => new()
    {
        ["architectures"] = new JsonArray("LlamaForCausalLM"),
        ["model_type"] = ModelType,
        ["vocab_size"] = configuration.VocabularySize,
        ["max_position_embeddings"] = configuration.ContextLength,
        ["hidden_size"] = configuration.Width,
        ["intermediate_size"] = configuration.HiddenWidth,
        ["num_hidden_layers"] = configuration.LayerCount,
        ["num_attention_heads"] = configuration.HeadCount,
        ["num_key_value_heads"] = configuration.KeyValueHeads,
        ["head_dim"] = configuration.HeadSize,
        ["hidden_act"] = "silu",
        ["rms_norm_eps"] = configuration.NormEpsilon,
        ["rope_theta"] = configuration.RopeTheta,
        ["rope_scaling"] = null,
        ["attention_bias"] = false,
        ["mlp_bias"] = false,
        ["attention_dropout"] = 0.0,
    };

    public static LlamaConfiguration Read(ConfigurationJson json)
    {
        json.Expect("hidden_act", "silu");
        json.Expect("attention_bias", false);
        json.Expect("mlp_bias", false);
        json.Expect("pretraining_tp", 1);
        json.Expect("partial_rotary_factor", 1.0);
        int heads = json.Required<int>("num_attention_heads");
        return new LlamaConfiguration
        {
            VocabularySize = json.Required<int>("vocab_size"),
            ContextLength = json.Required<int>("max_position_embeddings"),
            Width = json.Required<int>("hidden_size"),
            MlpWidth = json.Required<int>("intermediate_size"),
            LayerCount = json.Required<int>("num_hidden_layers"),
            HeadCount = heads,
            KeyValueHeadCount = json.Number("num_key_value_heads"),
            HeadWidth = json.Number("head_dim"),
            NormEpsilon = json.Value("rms_norm_eps", ifAbsent: 1e-6),
            RopeTheta = ReadTheta(json),
            TiedHead = json.Value("tie_word_embeddings", ifAbsent: false),
        };
    }

    /// <summary>The base of the wavelengths, which newer files keep in an object with everything else about the positions.</summary>
    private static double ReadTheta(ConfigurationJson json)
    {
        double theta = json.Value("rope_theta", ifAbsent: 10000.0);
        foreach (string name in (string[])["rope_scaling", "rope_parameters"])
        {
            if (json.Section(name) is not { } positions) continue;
            positions.Expect("partial_rotary_factor", 1.0);
            string kind = positions.Value("rope_type", positions.Value("type", "default"));
            if (kind != "default")
                throw new InvalidDataException(
                    $"its {name} is of type {ConfigurationJson.Show(kind)}, and only \"default\" is computed here");
            theta = positions.Value("rope_theta", theta);
        }
        return theta;
    }
}
