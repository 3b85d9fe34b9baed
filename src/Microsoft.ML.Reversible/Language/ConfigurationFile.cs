using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.ML.Reversible.Storage;
using Microsoft.ML.Reversible.Tokenizers;

namespace Microsoft.ML.Reversible.Language;

/// <summary>The contents of a model's config.json.</summary>
internal sealed record ModelDescription(
    LanguageModelConfiguration Configuration, Scheme Scheme, Arithmetic Arithmetic, SpecialTokens SpecialTokens);

/// <summary>
/// Reads and writes a model's config.json with Hugging Face's field names. The scheme is in the field <c>reversible</c>, which the file of
/// a residual model does not have.
/// </summary>
internal static class ConfigurationFile
{
    public const string FileName = "config.json";

    /// <summary>The field of the scheme.</summary>
    public const string SchemeField = "reversible";

    /// <summary>The maximum length of a scheme's text; the midpoint(a) scheme writes one number per layer.</summary>
    private const int LongestScheme = 1 << 16;

    private static readonly JsonSerializerOptions _indented = new() { WriteIndented = true };

    public static void Write(string path, ModelDescription model, WeightPrecision precision)
    {
        JsonObject json = model.Configuration.ToJson();
        json["bos_token_id"] = model.SpecialTokens.BeginOfText;
        json["eos_token_id"] = model.SpecialTokens.EndOfText switch
        {
            [] => null,
            [int one] => one,
            { } several => new JsonArray([.. several.Select(id => (JsonNode)id)]),
        };
        json["tie_word_embeddings"] = model.Configuration.TiedHead;
        json["torch_dtype"] = precision.ToString().ToLowerInvariant();
        if (WriteScheme(model.Scheme, model.Arithmetic) is { } scheme) json[SchemeField] = scheme;
        File.WriteAllText(path, json.ToJsonString(_indented) + "\n");
    }

    /// <exception cref="InvalidDataException">
    /// The file is not the configuration of a model that this library can run; the message says why.
    /// </exception>
    public static ModelDescription Read(string path)
    {
        LanguageModelConfiguration? configuration = null;
        try
        {
            ConfigurationJson json = ConfigurationJson.Read(path);
            string? type = json.Value<string>("model_type");
            ModelFamilyRow family = ModelFamilyRow.All.FirstOrDefault(row => row.ModelType == type) ?? throw UnknownArchitecture(json);
            configuration = family.Read(json);
            if (json.Has("quantization_config"))
                throw new InvalidDataException("its weights are quantized. Use the float32, float16 or bfloat16 version of the model");
            configuration.Check();
            var special = new SpecialTokens(
                json.Numbers("bos_token_id") is [int begin, ..] ? begin : null, json.Numbers("eos_token_id"));
            (Scheme scheme, Arithmetic arithmetic) =
                ReadScheme(json, configuration.LayerCount) ?? (Scheme.Residual, Arithmetic.Float);
            return new(configuration, scheme, arithmetic, special);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException or InvalidDataException)
        {
            // .NET appends the parameter's name, which a file does not have.
            string reason = e is ArgumentException { ParamName: { } name }
                ? e.Message.Replace($" (Parameter '{name}')", "")
                : JsonFault.Of(e);
            if (configuration is not null)
                reason = Regex.Replace(reason, @"\w+", word => configuration.FieldNames.GetValueOrDefault(word.Value, word.Value))
                    .ReplaceLineEndings(" ");
            throw new InvalidDataException($"'{path}' does not describe a model: {reason}", e);
        }
    }

    private static InvalidDataException UnknownArchitecture(ConfigurationJson json)
    {
        string architectures = json.Has("architectures") ? $" ({json.Shown("architectures")})" : "";
        return new(
            $"its model_type is {json.Shown("model_type")}{architectures}, and only " +
            $"{ModelFamilyRow.Join(ModelFamilyRow.All.Select(row => $"\"{row.ModelType}\""))} are known");
    }

    /// <summary>Returns the field of a scheme; null for a residual model, whose file does not have it.</summary>
    public static JsonObject? WriteScheme(Scheme scheme, Arithmetic arithmetic)
    {
        if (scheme is Residual && arithmetic == Arithmetic.Float) return null;
        scheme.CheckText();
        return new JsonObject { ["scheme"] = scheme.ToString(), ["arithmetic"] = arithmetic.ToString().ToLowerInvariant() };
    }

    /// <summary>Reads the field <see cref="SchemeField"/> for a number of layers; null where it is missing.</summary>
    public static (Scheme Scheme, Arithmetic Arithmetic)? ReadScheme(ConfigurationJson file, int layers)
    {
        if (file.Section(SchemeField) is not { } json) return null;
        string text = json.Value<string>("scheme") ?? throw new InvalidDataException($"its field '{SchemeField}' has no scheme");
        Arithmetic arithmetic = json.Value("arithmetic", ifAbsent: "float") switch
        {
            "float" => Arithmetic.Float,
            "exact" => Arithmetic.Exact,
            { } name => throw new InvalidDataException($"its arithmetic, {ConfigurationJson.Show(name)}, is neither float nor exact"),
        };
        if (text.Length > LongestScheme) throw new InvalidDataException("its scheme is too long to be one");
        Scheme scheme = Scheme.Parse(text).ForTrainedWeights();
        scheme.CheckDepth(layers);
        LayerStack.Check(scheme, scheme.DefaultBackwardMode(arithmetic), arithmetic);
        return (scheme, arithmetic);
    }
}

/// <summary>
/// Reads and writes the ids that end a text in Hugging Face's generation_config.json. Its sampling settings are not used.
/// </summary>
internal static class GenerationConfigurationFile
{
    /// <summary>The file's name in a folder.</summary>
    public const string FileName = "generation_config.json";

    /// <summary>Returns the ids that end a generated text; null if there is no such file or it names none.</summary>
    /// <exception cref="InvalidDataException">The file is malformed; the message names it.</exception>
    public static IReadOnlyList<int>? ReadEnds(string folder)
    {
        string path = Path.Combine(folder, FileName);
        if (!File.Exists(path)) return null;
        try
        {
            return ConfigurationJson.Read(path).Numbers("eos_token_id") is { Count: > 0 } ends ? ends : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException or InvalidDataException)
        {
            throw new InvalidDataException($"'{path}' is malformed: {JsonFault.Of(e)}", e);
        }
    }

    /// <summary>Writes the ids, if there are any.</summary>
    public static void Write(string folder, SpecialTokens tokens)
    {
        if (tokens.EndOfGeneration is not { } ends) return;
        var json = new JsonObject
        {
            ["bos_token_id"] = tokens.BeginOfText,
            ["eos_token_id"] = new JsonArray([.. ends.Select(id => (JsonNode)id)]),
        };
        File.WriteAllText(Path.Combine(folder, FileName), json.ToJsonString() + "\n");
    }
}

/// <summary>The ids that a config.json names. They describe how a model was trained, so they are kept and written again.</summary>
/// <param name="BeginOfText">The id that begins a text; null if none is named.</param>
/// <param name="EndOfText">The ids that end a text; empty if none is named.</param>
internal sealed record SpecialTokens(int? BeginOfText, IReadOnlyList<int> EndOfText)
{
    /// <summary>
    /// The ids that end a generated text, from generation_config.json; null if it names none, so that <see cref="EndOfText"/> applies. Chat
    /// models name the end of a turn there.
    /// </summary>
    public IReadOnlyList<int>? EndOfGeneration { get; init; }

    /// <summary>
    /// Returns the ids that lie within the vocabulary, for a tokenizer whose files name none. Small models often name ids of the large
    /// model that they were derived from.
    /// </summary>
    public SpecialIds Within(int vocabularySize)
    {
        int[] ends = [.. EndOfText.Where(IsWithin)];
        return new(ends.Length > 0 ? ends[0] : null, BeginOfText is { } begin && IsWithin(begin) ? begin : null);

        bool IsWithin(int id) => (uint)id < (uint)vocabularySize;
    }
}
