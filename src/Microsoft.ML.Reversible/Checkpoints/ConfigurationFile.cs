using System.Text.Json;
using System.Text.Json.Nodes;

namespace Microsoft.ML.Reversible.Checkpoints;

/// <summary>What a config.json says of a model.</summary>
internal sealed record ModelDescription(
    LanguageModelConfiguration Configuration, Scheme Scheme, Arithmetic Arithmetic, SpecialTokens SpecialTokens);

/// <summary>
/// A model's config.json in Hugging Face's words. A residual model's file says nothing of this library; another's carries its scheme
/// under <c>reversible</c>.
/// </summary>
internal static class ConfigurationFile
{
    public const string FileName = "config.json";

    /// <summary>Characters of a scheme's text: the midpoint(a) scheme writes a number a layer.</summary>
    private const int LongestScheme = 1 << 16;

    private static readonly JsonSerializerOptions _indented = new() { WriteIndented = true };

    public static void Write(string path, ModelDescription model, WeightPrecision precision)
    {
        JsonObject json = model.Configuration switch
        {
            GptConfiguration gpt => GptConfigurationFile.Write(gpt),
            LlamaConfiguration llama => LlamaConfigurationFile.Write(llama),
            { } other => throw new ArgumentException($"{other.GetType().Name} has no form in Hugging Face's words.", nameof(model)),
        };
        json["bos_token_id"] = model.SpecialTokens.BeginOfText;
        json["eos_token_id"] = model.SpecialTokens.EndOfText switch
        {
            [] => null,
            [int one] => one,
            { } several => new JsonArray([.. several.Select(id => (JsonNode)id)]),
        };
        json["tie_word_embeddings"] = model.Configuration.TiedHead;
        json["torch_dtype"] = precision.ToString().ToLowerInvariant();
        if (model.Scheme is not Residual || model.Arithmetic != Arithmetic.Float)
        {
            model.Scheme.CheckText();
            json["reversible"] = new JsonObject
            {
                ["scheme"] = model.Scheme.ToString(),
                ["arithmetic"] = model.Arithmetic.ToString().ToLowerInvariant(),
            };
        }
        File.WriteAllText(path, json.ToJsonString(_indented) + "\n");
    }

    /// <exception cref="InvalidDataException">
    /// The file is not the configuration of a model that this library can run; the message says why.
    /// </exception>
    public static ModelDescription Read(string path)
    {
        try
        {
            ConfigurationJson json = ConfigurationJson.Read(path);
            LanguageModelConfiguration configuration = json.Value<string>("model_type") switch
            {
                GptConfigurationFile.ModelType => GptConfigurationFile.Read(json),
                LlamaConfigurationFile.ModelType => LlamaConfigurationFile.Read(json),
                _ => throw UnknownArchitecture(json),
            };
            if (json.Has("quantization_config"))
                throw new InvalidDataException("its weights are quantized. Take the float32, float16 or bfloat16 form of the model");
            configuration.Check();
            var special = new SpecialTokens(json.Number("bos_token_id"), json.Numbers("eos_token_id"));
            (Scheme scheme, Arithmetic arithmetic) = ReadScheme(json.Section("reversible"), configuration.LayerCount);
            return new(configuration, scheme, arithmetic, special);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException or InvalidDataException)
        {
            throw new InvalidDataException($"'{path}' does not describe a model: {e.Message}", e);
        }
    }

    private static InvalidDataException UnknownArchitecture(ConfigurationJson json)
    {
        string architectures = json.Texts("architectures");
        return new(
            $"its model_type is {json.Shown("model_type")}{(architectures == "" ? "" : $" ({architectures})")}, and only " +
            $"\"{GptConfigurationFile.ModelType}\" and \"{LlamaConfigurationFile.ModelType}\" are known");
    }

    private static (Scheme Scheme, Arithmetic Arithmetic) ReadScheme(ConfigurationJson? json, int layers)
    {
        if (json is null) return (Scheme.Residual, Arithmetic.Float);
        string text = json.Value<string>("scheme") ?? throw new InvalidDataException("its reversible lacks a scheme");
        Arithmetic arithmetic = json.Value("arithmetic", ifAbsent: "float") switch
        {
            "float" => Arithmetic.Float,
            "exact" => Arithmetic.Exact,
            { } name => throw new InvalidDataException($"its arithmetic is {ConfigurationJson.Show(name)}, neither float nor exact"),
        };
        if (text.Length > LongestScheme) throw new InvalidDataException("its scheme is too long to be one");
        Scheme scheme = Scheme.Parse(text).ForTrainedWeights();
        scheme.CheckDepth(layers);
        LayerStack.Check(scheme, scheme.DefaultWayBack(arithmetic), arithmetic);
        return (scheme, arithmetic);
    }
}
