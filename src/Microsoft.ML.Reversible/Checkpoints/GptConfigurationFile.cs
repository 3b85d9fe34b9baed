using System.Text.Json;
using System.Text.Json.Nodes;

namespace Microsoft.ML.Reversible.Checkpoints;

/// <summary>
/// A model's config.json in Hugging Face's words for GPT-2. A residual model's file says nothing of this library; another's
/// carries its scheme under <c>reversible</c>.
/// </summary>
internal static class GptConfigurationFile
{
    public const string FileName = "config.json";

    private static readonly (Activation Activation, string Name)[] ActivationNames =
        [(Activation.Gelu, "gelu"), (Activation.GeluTanh, "gelu_new"), (Activation.Relu, "relu")];

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    public static void Write(string path, GptConfiguration configuration, Scheme scheme, Arithmetic arithmetic, int endOfTextId)
    {
        var json = new JsonObject
        {
            ["architectures"] = new JsonArray("GPT2LMHeadModel"),
            ["model_type"] = "gpt2",
            ["vocab_size"] = configuration.VocabularySize,
            ["n_positions"] = configuration.ContextLength,
            ["n_embd"] = configuration.Width,
            ["n_layer"] = configuration.LayerCount,
            ["n_head"] = configuration.HeadCount,
            ["n_inner"] = configuration.MlpWidth,
            ["activation_function"] = ActivationNames.First(a => a.Activation == configuration.Activation).Name,
            ["layer_norm_epsilon"] = configuration.LayerNormEpsilon,
            ["resid_pdrop"] = 0.0,
            ["embd_pdrop"] = 0.0,
            ["attn_pdrop"] = 0.0,
            ["bos_token_id"] = endOfTextId,
            ["eos_token_id"] = endOfTextId,
            ["tie_word_embeddings"] = true,
            ["torch_dtype"] = "float32",
        };
        if (scheme is not Residual || arithmetic != Arithmetic.Float)
            json["reversible"] = new JsonObject { ["scheme"] = scheme.ToString(), ["arithmetic"] = arithmetic.ToString().ToLowerInvariant() };
        File.WriteAllText(path, json.ToJsonString(Indented) + "\n");
    }

    /// <exception cref="InvalidDataException">The file is not the configuration of a GPT-2 that this library can run; the message says why.</exception>
    public static (GptConfiguration Configuration, Scheme Scheme, Arithmetic Arithmetic) Read(string path)
    {
        try
        {
            JsonObject json = JsonNode.Parse(File.ReadAllText(path)) as JsonObject ?? throw new InvalidDataException("it is not a JSON object");
            if ((string?)json["model_type"] is not "gpt2") throw new InvalidDataException($"its model_type is '{json["model_type"]}', and only 'gpt2' is known");
            if (json["tie_word_embeddings"] is { } tied && !(bool)tied) throw new InvalidDataException("its head is not tied to the token embedding");
            var configuration = new GptConfiguration
            {
                VocabularySize = Number("vocab_size"),
                ContextLength = Number("n_positions"),
                Width = Number("n_embd"),
                LayerCount = Number("n_layer"),
                HeadCount = Number("n_head"),
                MlpWidth = (int?)json["n_inner"],
                Activation = ReadActivation((string?)json["activation_function"] ?? "gelu_new"),
                LayerNormEpsilon = (double?)json["layer_norm_epsilon"] ?? 1e-5,
            };
            configuration.Check();
            JsonNode? own = json["reversible"];
            Scheme scheme = (string?)own?["scheme"] is { } text ? Scheme.Parse(text) : Scheme.Residual;
            return (configuration, scheme, ReadArithmetic((string?)own?["arithmetic"] ?? "float"));

            int Number(string name) => (int?)json[name] ?? throw new InvalidDataException($"it lacks '{name}'");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or ArgumentException or OverflowException or InvalidDataException)
        {
            throw new InvalidDataException($"'{path}' does not describe a model: {e.Message}", e);
        }
    }

    private static Arithmetic ReadArithmetic(string name) => name switch
    {
        "float" => Arithmetic.Float,
        "exact" => Arithmetic.Exact,
        _ => throw new InvalidDataException($"its arithmetic '{name}' is neither float nor exact"),
    };

    private static Activation ReadActivation(string name)
    {
        foreach ((Activation activation, string known) in ActivationNames)
            if (known == name || (known == "gelu_new" && name is "gelu_pytorch_tanh" or "gelu_fast")) return activation;
        throw new InvalidDataException($"its activation_function '{name}' is not one of {string.Join(", ", ActivationNames.Select(a => a.Name))}");
    }
}
