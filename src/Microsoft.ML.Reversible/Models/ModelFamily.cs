using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Reversible.Storage;

namespace Microsoft.ML.Reversible;

/// <summary>The kinds of transformer that can be trained and loaded.</summary>
public enum ModelFamily
{
    /// <summary>GPT-2's: learned positions, layer norms, one activation between the MLP's two layers, biases.</summary>
    Gpt2,

    /// <summary>Llama's: rotary positions, RMS norms, grouped-query attention, a gated MLP (SwiGLU), no biases.</summary>
    Llama,

    /// <summary>Mistral's: Llama's, in some models with a sliding window.</summary>
    Mistral,

    /// <summary>Qwen 2's: Llama's with biases on queries, keys and values.</summary>
    Qwen2,

    /// <summary>Qwen 3's: Llama's with norms of each head's queries and keys.</summary>
    Qwen3,

    /// <summary>Phi-3's: Llama's with joined projections in files.</summary>
    Phi3,

    /// <summary>
    /// Gemma 2's: norms around attention and MLP, a GELU gate, a sliding window in every other layer, soft caps of scores and logits.
    /// </summary>
    Gemma2,

    /// <summary>
    /// The text part of Gemma 3: Gemma 2's without soft caps, with norms of each head's queries and keys, and a sliding window and other
    /// positions in five of six layers.
    /// </summary>
    Gemma3,

    /// <summary>SmolLM3's: Llama's without positions in every fourth layer.</summary>
    Smollm3,

    /// <summary>OLMo 2's: norms after attention and MLP, and norms of all queries and of all keys.</summary>
    Olmo2,
}

/// <summary>
/// A model's shape as options describe it.
/// Every family takes the positional values; a row names which of the others it takes.
/// </summary>
internal sealed record ModelShape(int VocabularySize, int ContextLength, int LayerCount, int HeadCount, int Width)
{
    /// <summary>Number of heads of keys and values; null is one for each query head.</summary>
    public int? KeyValueHeadCount { get; init; }

    /// <summary>Width of the hidden layer of a block's MLP; null is the family's default.</summary>
    public int? MlpWidth { get; init; }

    /// <summary>The function between the two layers of a block's MLP.</summary>
    public Activation Activation { get; init; } = Activation.Gelu;

    /// <summary>Whether the head shares the token embedding's matrix.</summary>
    public bool TiedHead { get; init; } = true;
}

/// <summary>A row of the table of families; the model_type of a config.json or a trainer's option selects it.</summary>
/// <param name="Family">The family.</param>
/// <param name="Title">Its name in messages.</param>
/// <param name="ModelType">The model_type of a config.json.</param>
/// <param name="Read">Reads the other fields.</param>
/// <param name="Make">Makes the configuration of a shape.</param>
/// <param name="OwnOptions">The values of a <see cref="ModelShape"/> that it takes and that other families may not have.</param>
internal sealed record ModelFamilyRow(
    ModelFamily Family, string Title, string ModelType, Func<ConfigurationJson, LanguageModelConfiguration> Read,
    Func<ModelShape, LanguageModelConfiguration> Make, params string[] OwnOptions)
{
    private static readonly string[] _llamaLike = [nameof(ModelShape.KeyValueHeadCount)];

    public static IReadOnlyList<ModelFamilyRow> All { get; } =
    [
        new(ModelFamily.Gpt2, "GPT-2", GptConfiguration.ModelType, GptConfiguration.Read, GptConfiguration.Of,
            nameof(ModelShape.Activation)) { HeadWidthMultiple = 1 },
        new(ModelFamily.Llama, "Llama", LlamaConfiguration.ModelType, LlamaConfiguration.Read, LlamaConfiguration.Of, _llamaLike),
        new(ModelFamily.Mistral, "Mistral", MistralConfiguration.ModelType, MistralConfiguration.Read, MistralConfiguration.Of, _llamaLike),
        new(ModelFamily.Qwen2, "Qwen 2", Qwen2Configuration.ModelType, Qwen2Configuration.Read, Qwen2Configuration.Of, _llamaLike),
        new(ModelFamily.Qwen3, "Qwen 3", Qwen3Configuration.ModelType, Qwen3Configuration.Read, Qwen3Configuration.Of, _llamaLike),
        new(ModelFamily.Phi3, "Phi-3", Phi3Configuration.ModelType, Phi3Configuration.Read, Phi3Configuration.Of, _llamaLike),
        new(ModelFamily.Gemma2, "Gemma 2", Gemma2Configuration.ModelType, Gemma2Configuration.Read, Gemma2Configuration.Of, _llamaLike),
        new(ModelFamily.Gemma3, "Gemma 3", Gemma3Configuration.ModelType, Gemma3Configuration.Read, Gemma3Configuration.Of, _llamaLike),
        new(ModelFamily.Smollm3, "SmolLM3", Smollm3Configuration.ModelType, Smollm3Configuration.Read, Smollm3Configuration.Of, _llamaLike),
        new(ModelFamily.Olmo2, "OLMo 2", Olmo2Configuration.ModelType, Olmo2Configuration.Read, Olmo2Configuration.Of, _llamaLike),
    ];

    /// <summary>The number that divides the width of its heads: rotary positions rotate pairs of numbers.</summary>
    public int HeadWidthMultiple { get; init; } = 2;

    /// <summary>Returns the row of a family.</summary>
    public static ModelFamilyRow Of(ModelFamily family) => All.Single(row => row.Family == family);

    /// <summary>Returns the families that take an option which not all of them have, as in <c>the GPT-2 family</c>.</summary>
    public static string With(string option)
    {
        string[] with = Titles(true), without = Titles(false);
        return with.Length <= without.Length ? $"the {Join(with)} {Noun(with)}" : $"the families other than {Join(without)}";

        string[] Titles(bool takes) => [.. All.Where(row => row.OwnOptions.Contains(option) == takes).Select(row => row.Title)];

        static string Noun(string[] families) => families.Length == 1 ? "family" : "families";
    }

    /// <summary>Joins names for a message, as in <c>a, b and c</c>.</summary>
    public static string Join(IEnumerable<string> names)
    {
        string[] all = [.. names];
        return all.Length < 2 ? string.Concat(all) : $"{string.Join(", ", all[..^1])} and {all[^1]}";
    }

    /// <summary>Lists the options that other families have and this one does not, each with a family that has it.</summary>
    public IEnumerable<(string Option, ModelFamily Has)> MissingOptions() =>
        from row in All
        from option in row.OwnOptions
        where !OwnOptions.Contains(option)
        group row.Family by option into having
        select (having.Key, having.First());
}
