using System.Text.Json.Nodes;

namespace Microsoft.ML.Reversible.Checkpoints;

/// <summary>The fields of a config.json in Hugging Face's words for GPT-2.</summary>
internal static class GptConfigurationFile
{
    public const string ModelType = "gpt2";

    private static readonly (Activation Activation, string Name)[] _activationNames =
    [
        (Activation.Gelu, "gelu"),
        (Activation.GeluTanh, "gelu_new"),
        (Activation.GeluTanh, "gelu_pytorch_tanh"),
        (Activation.GeluTanh, "gelu_fast"),
        (Activation.Relu, "relu"),
    ];

    public static JsonObject Write(GptConfiguration configuration) => new()
    {
        ["architectures"] = new JsonArray("GPT2LMHeadModel"),
        ["model_type"] = ModelType,
        ["vocab_size"] = configuration.VocabularySize,
        ["n_positions"] = configuration.ContextLength,
        ["n_embd"] = configuration.Width,
        ["n_layer"] = configuration.LayerCount,
        ["n_head"] = configuration.HeadCount,
        ["n_inner"] = configuration.MlpWidth,
        ["activation_function"] = _activationNames.First(a => a.Activation == configuration.Activation).Name,
        ["layer_norm_epsilon"] = configuration.NormEpsilon,
        ["resid_pdrop"] = 0.0,
        ["embd_pdrop"] = 0.0,
        ["attn_pdrop"] = 0.0,
    };

    public static GptConfiguration Read(ConfigurationJson json)
    {
        json.Expect("scale_attn_weights", true);
        json.Expect("scale_attn_by_inverse_layer_idx", false);
        json.Expect("reorder_and_upcast_attn", false);
        json.Expect("add_cross_attention", false);
        return new GptConfiguration
        {
            VocabularySize = json.Required<int>("vocab_size"),
            ContextLength = json.Required<int>("n_positions"),
            Width = json.Required<int>("n_embd"),
            LayerCount = json.Required<int>("n_layer"),
            HeadCount = json.Required<int>("n_head"),
            MlpWidth = json.Number("n_inner"),
            Activation = ReadActivation(json.Value("activation_function", ifAbsent: "gelu_new")),
            NormEpsilon = json.Value("layer_norm_epsilon", ifAbsent: 1e-5),
            TiedHead = json.Value("tie_word_embeddings", ifAbsent: true),
        };
    }

    private static Activation ReadActivation(string name)
    {
        foreach ((Activation activation, string own) in _activationNames)
            if (own == name) return activation;
        string known = string.Join(", ", _activationNames.Select(a => a.Name));
        throw new InvalidDataException($"its activation_function is {ConfigurationJson.Show(name)}, not one of {known}");
    }
}
