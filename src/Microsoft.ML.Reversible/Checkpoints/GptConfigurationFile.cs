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

    private const int MostShown = 100;

    /// <summary>Characters of a scheme's text: the midpoint(a) scheme writes a number a layer.</summary>
    private const int LongestScheme = 1 << 16;

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
            ["layer_norm_epsilon"] = configuration.NormEpsilon,
            ["resid_pdrop"] = 0.0,
            ["embd_pdrop"] = 0.0,
            ["attn_pdrop"] = 0.0,
            ["bos_token_id"] = endOfTextId,
            ["eos_token_id"] = endOfTextId,
            ["tie_word_embeddings"] = true,
            ["torch_dtype"] = "float32",
        };
        if (scheme is not Residual || arithmetic != Arithmetic.Float)
        {
            json["reversible"] = new JsonObject
            {
                ["scheme"] = scheme.ToString(),
                ["arithmetic"] = arithmetic.ToString().ToLowerInvariant(),
            };
        }
        File.WriteAllText(path, json.ToJsonString(Indented) + "\n");
    }

    /// <exception cref="InvalidDataException">
    /// The file is not the configuration of a GPT-2 that this library can run; the message says why.
    /// </exception>
    public static (GptConfiguration Configuration, Scheme Scheme, Arithmetic Arithmetic) Read(string path)
    {
        try
        {
            JsonObject json = JsonNode.Parse(File.ReadAllText(path)) as JsonObject
                ?? throw new InvalidDataException("it is not a JSON object");
            if (Value<string>(json, "model_type") is not "gpt2")
                throw new InvalidDataException($"its model_type is {Show(json["model_type"])}, and only \"gpt2\" is known");
            if (!Value(json, "tie_word_embeddings", ifAbsent: true))
                throw new InvalidDataException("its head is not tied to the token embedding");
            var configuration = new GptConfiguration
            {
                VocabularySize = Number("vocab_size"),
                ContextLength = Number("n_positions"),
                Width = Number("n_embd"),
                LayerCount = Number("n_layer"),
                HeadCount = Number("n_head"),
                MlpWidth = json["n_inner"] is null ? null : Number("n_inner"),
                Activation = ReadActivation(Value(json, "activation_function", ifAbsent: "gelu_new")),
                NormEpsilon = Value(json, "layer_norm_epsilon", ifAbsent: 1e-5),
            };
            configuration.Check();
            if (json["reversible"] is not { } own) return (configuration, Scheme.Residual, Arithmetic.Float);
            if (own is not JsonObject reversible) throw new InvalidDataException($"its reversible is {Show(own)}, not an object");
            string scheme = Value<string>(reversible, "scheme") ?? throw new InvalidDataException("its reversible lacks a scheme");
            Arithmetic arithmetic = ReadArithmetic(Value(reversible, "arithmetic", ifAbsent: "float"));
            return (configuration, ReadScheme(scheme, configuration.LayerCount, arithmetic), arithmetic);

            int Number(string name) => json[name] is null ? throw new InvalidDataException($"it lacks '{name}'") : Value<int>(json, name);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException or InvalidDataException)
        {
            throw new InvalidDataException($"'{path}' does not describe a model: {e.Message}", e);
        }
    }

    private static T? Value<T>(JsonObject json, string name) => json[name] switch
    {
        null => default,
        JsonValue value when value.TryGetValue(out T? found) => found,
        { } other => throw new InvalidDataException($"its {name} is {Show(other)}, not {Kind<T>()}"),
    };

    private static T Value<T>(JsonObject json, string name, T ifAbsent) => json[name] is null ? ifAbsent : Value<T>(json, name)!;

    private static string Kind<T>() =>
        typeof(T) == typeof(string) ? "text"
        : typeof(T) == typeof(bool) ? "true or false"
        : typeof(T) == typeof(int) ? "a whole number"
        : "a number";

    /// <summary>The beginning of a value: a damaged file may hold a very long one.</summary>
    private static string Show(JsonNode? node)
    {
        string text = node?.ToJsonString() ?? "not given";
        return text.Length <= MostShown ? text : string.Concat(text.AsSpan(0, MostShown), "...");
    }

    private static Scheme ReadScheme(string text, int layers, Arithmetic arithmetic)
    {
        if (text.Length > LongestScheme) throw new InvalidDataException("its scheme is too long to be one");
        Scheme scheme = Scheme.Parse(text);
        scheme.CheckDepth(layers);
        LayerStack.Check(scheme, scheme.DefaultWayBack(arithmetic), arithmetic);
        return scheme;
    }

    private static Arithmetic ReadArithmetic(string name) => name switch
    {
        "float" => Arithmetic.Float,
        "exact" => Arithmetic.Exact,
        _ => throw new InvalidDataException($"its arithmetic is {Show(name)}, neither float nor exact"),
    };

    private static Activation ReadActivation(string name)
    {
        foreach ((Activation activation, string own) in ActivationNames)
            if (own == name || (own == "gelu_new" && name is "gelu_pytorch_tanh" or "gelu_fast")) return activation;
        string known = string.Join(", ", ActivationNames.Select(a => a.Name));
        throw new InvalidDataException($"its activation_function is {Show(name)}, not one of {known}");
    }
}
