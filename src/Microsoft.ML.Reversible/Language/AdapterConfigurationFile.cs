using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Reversible.Storage;

namespace Microsoft.ML.Reversible.Language;

/// <summary>The contents of an adapter's adapter_config.json.</summary>
/// <param name="Settings">The adapter.</param>
/// <param name="Scheme">The scheme that the adapter was trained with; null where it is that of the base.</param>
/// <param name="Arithmetic">The arithmetic that belongs to the scheme.</param>
internal sealed record AdapterDescription(LoraSettings Settings, Scheme? Scheme, Arithmetic? Arithmetic);

/// <summary>
/// Reads and writes an adapter's adapter_config.json with PEFT's field names. The scheme is in the field <c>reversible</c>, which the file
/// of a residual model does not have.
/// </summary>
internal static class AdapterConfigurationFile
{
    public const string FileName = "adapter_config.json";

    /// <summary>The version of PEFT whose fields are written.</summary>
    private const string PeftVersion = "0.21.0";

    /// <summary>The most patterns of a field, and the most of them that can only be matched by backtracking.</summary>
    private const int MostPatterns = 1000, MostSlowPatterns = 10;

    /// <summary>The fields that are read.</summary>
    public static IReadOnlyList<string> ReadFields { get; } =
    [
        "peft_type", "task_type", "bias", "init_lora_weights", "r", "lora_alpha", "use_rslora", "lora_dropout", "target_modules",
        "exclude_modules", "rank_pattern", "alpha_pattern", "modules_to_save", "ensure_weight_tying", "base_model_name_or_path",
        ConfigurationFile.SchemeField,
    ];

    /// <summary>Fields that change nothing where the others have the values that are supported.</summary>
    private static readonly string[] _withoutEffect =
    [
        "auto_mapping", "corda_config", "enable_lora", "eva_config", "fan_in_fan_out", "inference_mode", "layers_pattern", "loftq_config",
        "lora_ga_config", "megatron_config", "megatron_core", "merge_weights", "peft_version", "qalora_group_size", "revision",
    ];

    /// <summary>The ways of initialization after which the adapter belongs to the base's own weights.</summary>
    private static readonly string[] _plainStarts = ["gaussian", "eva", "orthogonal"];

    /// <summary>The fields that set the properties, for messages.</summary>
    private static readonly Dictionary<string, string> _fieldNames = new()
    {
        [nameof(LoraSettings.Rank)] = "r",
        [nameof(LoraSettings.Alpha)] = "lora_alpha",
        [nameof(LoraSettings.Dropout)] = "lora_dropout",
        [nameof(LoraSettings.Targets)] = "target_modules",
    };

    private static readonly JsonSerializerOptions _indented = new() { WriteIndented = true };

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="network">The base.</param>
    /// <param name="weights">The adapter's weights: they may hold an embedding that the file does not list.</param>
    /// <exception cref="InvalidDataException">
    /// The file does not describe an adapter that can be computed; the message says why.
    /// </exception>
    public static AdapterDescription Read(string path, LanguageNetwork network, SafeTensorsFile weights)
    {
        try
        {
            ConfigurationJson json = ConfigurationJson.Read(path);
            json.Expect("peft_type", "LORA");
            json.Expect("task_type", "CAUSAL_LM");
            json.Expect("bias", "none");
            CheckStart(json);
            foreach (string name in json.Names.Except([.. ReadFields, .. _withoutEffect]).Where(name => !json.IsEmpty(name)))
                throw new InvalidDataException(
                    $"its {ConfigurationJson.Show(name)} is {json.Shown(name)}, which is not supported and would change the results");
            var settings = new LoraSettings(
                json.Required<int>("r"), json.Required<double>("lora_alpha"), json.Value("use_rslora", ifAbsent: false),
                Targets(json, "target_modules") ?? throw new InvalidDataException("its target_modules is empty"))
            {
                Dropout = json.Value("lora_dropout", ifAbsent: 0.0),
                Excluded = Targets(json, "exclude_modules") ?? "",
                PassesOverUnmatched = true,
                RankPattern = Pattern<int>(json, "rank_pattern"),
                AlphaPattern = Pattern<double>(json, "alpha_pattern"),
                BaseName = json.Value<string>("base_model_name_or_path"),
            };
            settings.Check();
            var scheme = ConfigurationFile.ReadScheme(json, network.Configuration.LayerCount);
            return new(WithSavedModules(settings, json, network, weights), scheme?.Scheme, scheme?.Arithmetic);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException or InvalidDataException)
        {
            throw Fault(path, e);
        }
    }

    /// <summary>Makes the exception for a file that cannot be used.</summary>
    public static InvalidDataException Fault(string path, Exception e)
    {
        string reason = e is ArgumentException { ParamName: { } name } ? e.Message.Replace($" (Parameter '{name}')", "") : JsonFault.Of(e);
        reason = Regex.Replace(reason.ReplaceLineEndings(" "), @" Actual value was .*$", "");
        reason = Regex.Replace(reason, @"\w+", word => _fieldNames.GetValueOrDefault(word.Value, word.Value));
        return new InvalidDataException($"'{path}' does not describe an adapter of this model: {reason}", e);
    }

    /// <summary>Writes the file of a network with an adapter.</summary>
    public static void Write(string path, LanguageNetwork network)
    {
        LoraSettings settings = network.Adapter!;
        NamedWeight[] weights = [.. network.Weights().Where(weight => weight.Adapter is not null)];
        string[] saved = SavedModules(network);
        var json = new JsonObject
        {
            ["alora_invocation_tokens"] = null,
            ["alpha_pattern"] = Fields(settings.AlphaPattern, Number),
            ["arrow_config"] = null,
            ["auto_mapping"] = null,
            ["base_model_name_or_path"] = settings.BaseName,
            ["bias"] = "none",
            ["corda_config"] = null,
            ["ensure_weight_tying"] = saved.Length > 0 && network.Configuration.TiedHead,
            ["eva_config"] = null,
            ["exclude_modules"] = settings.Excluded.Length > 0 ? Modules(LoraTargets.Parse(settings.Excluded), weights) : null,
            ["fan_in_fan_out"] = weights[0].Transposed,
            ["inference_mode"] = true,
            ["init_lora_weights"] = true,
            ["kasa_config"] = null,
            ["layer_replication"] = null,
            ["layers_pattern"] = null,
            ["layers_to_transform"] = null,
            ["loftq_config"] = new JsonObject(),
            ["lora_alpha"] = Number(settings.Alpha),
            ["lora_bias"] = false,
            ["lora_dropout"] = ConfigurationJson.Float(settings.Dropout),
            ["lora_ga_config"] = null,
            ["megatron_config"] = null,
            ["megatron_core"] = "megatron.core",
            ["modules_to_save"] = saved.Length > 0 ? new JsonArray([.. saved.Select(name => (JsonNode)name)]) : null,
            ["monteclora_config"] = null,
            ["peft_type"] = "LORA",
            ["peft_version"] = PeftVersion,
            ["qalora_group_size"] = 16,
            ["r"] = settings.Rank,
            ["rank_pattern"] = Fields(settings.RankPattern, rank => rank),
            ["revision"] = null,
            ["target_modules"] = Modules(LoraTargets.Parse(settings.Targets), weights),
            ["target_parameters"] = null,
            ["task_type"] = "CAUSAL_LM",
            ["trainable_token_indices"] = null,
            ["use_bdlora"] = null,
            ["use_dora"] = false,
            ["use_qalora"] = false,
            ["use_rslora"] = settings.RankStabilized,
            ["velora_config"] = null,
        };
        if (ConfigurationFile.WriteScheme(network.Stack.Scheme, network.Stack.Arithmetic) is { } scheme)
            json[ConfigurationFile.SchemeField] = scheme;
        File.WriteAllText(path, json.ToJsonString(_indented) + "\n");
    }

    private static void CheckStart(ConfigurationJson json)
    {
        if (json.Is<bool>("init_lora_weights")) return;
        string? start = json.Value<string>("init_lora_weights");
        if (start is not null && !_plainStarts.Contains(start))
            throw new InvalidDataException(
                $"its init_lora_weights is {json.Shown("init_lora_weights")}, which changes the weights of the base model. Convert the " +
                "adapter with peft: save_pretrained(folder, path_initial_model_for_weight_conversion=...)");
    }

    /// <summary>Adds the embedding and the head where the adapter has trained copies of them.</summary>
    private static LoraSettings WithSavedModules(
        LoraSettings settings, ConfigurationJson json, LanguageNetwork network, SafeTensorsFile weights)
    {
        string embedding = network.EmbeddingName, head = LanguageNetwork.HeadName;
        string ofEmbedding = TensorOf(embedding), ofHead = TensorOf(head);
        bool trainsEmbedding = weights.Contains(ofEmbedding), trainsHead = weights.Contains(ofHead);
        foreach (string name in json.Texts("modules_to_save") ?? [])
        {
            if (EndsWith(embedding, name)) trainsEmbedding = true;
            else if (EndsWith(head, name)) trainsHead = true;
            else
                throw new InvalidDataException(
                    $"its modules_to_save has {ConfigurationJson.Show(name)}, and only {embedding} and {head} are supported");
        }
        bool same = json.Value("ensure_weight_tying", ifAbsent: false)
            || (weights.Contains(ofEmbedding) && weights.Contains(ofHead)
                && TensorStorage.AreSame(weights, ofEmbedding, weights, ofHead));
        return settings with { TrainEmbedding = trainsEmbedding, TrainHead = trainsHead, UntiesHead = !same };

        static string TensorOf(string module) => $"{LanguageNetwork.AdapterPrefix}{module}.weight";

        static bool EndsWith(string module, string name) => module == name || module.EndsWith("." + name, StringComparison.Ordinal);
    }

    private static string[] SavedModules(LanguageNetwork network) =>
        [.. network.TrainedCopies().Select(weight => weight.Name.Split('.')[^2])];

    /// <summary>Reads a list of names, or one regular expression, in the form of <see cref="LoraTargets.Parse"/>; null for none.</summary>
    private static string? Targets(ConfigurationJson json, string field)
    {
        if (json.IsEmpty(field)) return null;
        if (json.Is<string>(field))
        {
            string text = json.Value<string>(field)!;
            bool one = text.Equals(LoraTargets.AllLinear, StringComparison.OrdinalIgnoreCase)
                || (LoraTargets.IsPattern(text) && text == text.Trim() && LoraTargets.Parse(text).Items is [_]);
            return one ? text : $"(?:{text})";
        }
        string[] names = [.. json.Texts(field)!.Where(name => name.Length > 0).Select(AsItem)];
        return names.Length > 0 ? string.Join(',', names) : null;
    }

    /// <summary>Returns a name as an item of targets; one that would be read otherwise as a pattern of the same meaning.</summary>
    private static string AsItem(string name) =>
        LoraTargets.IsPattern(name) || name.Contains(',') || name != name.Trim()
        || name.Equals(LoraTargets.AllLinear, StringComparison.OrdinalIgnoreCase)
            ? $@"(?:.*\.)?(?:{Regex.Escape(name)})"
            : name;

    /// <summary>Returns a list of names, or one regular expression, as PEFT's files have it.</summary>
    private static JsonNode Modules(LoraTargets targets, NamedWeight[] weights)
    {
        if (targets.Items.Any(LoraTargets.IsPattern))
            return targets.Items is [var one]
                ? one
                : string.Join('|', targets.Items.Select(item =>
                    LoraTargets.IsPattern(item) ? $"(?:{item})" : $@"(?:.*\.)?(?:{Regex.Escape(item)})"));
        IEnumerable<string> names = targets.Items.Count > 0
            ? targets.Items
            : weights.Select(weight => weight.Name.Split('.')[^2]).Distinct();
        return new JsonArray([.. names.Select(name => (JsonNode)name)]);
    }

    private static IReadOnlyList<(string, T)> Pattern<T>(ConfigurationJson json, string field)
    {
        if (json.Section(field) is not { } section) return [];
        string[] patterns = [.. section.Names];
        if (patterns.Length > MostPatterns)
            throw new InvalidDataException($"its {field} has {patterns.Length} patterns, more than the {MostPatterns} that are read");
        int slow = patterns.Count(LoraTargets.Backtracks);
        if (slow > MostSlowPatterns)
            throw new InvalidDataException(
                $"its {field} has {slow} patterns that look around or refer back, more than the {MostSlowPatterns} that are read");
        return [.. patterns.Select(name => (name, section.Required<T>(name)))];
    }

    private static JsonObject Fields<T>(IReadOnlyList<(string Pattern, T Value)> patterns, Func<T, JsonNode?> show) =>
        new(patterns.Select(entry => KeyValuePair.Create(entry.Pattern, show(entry.Value))));

    private static JsonNode? Number(double value) => value == Math.Floor(value) && Math.Abs(value) < 1e15 ? (long)value : value;
}
