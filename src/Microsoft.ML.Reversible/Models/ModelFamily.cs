using Microsoft.ML.Reversible.Storage;

namespace Microsoft.ML.Reversible;

/// <summary>The kinds of transformer that can be trained and loaded.</summary>
public enum ModelFamily
{
    /// <summary>GPT-2's: learned positions, layer norms, one activation between the MLP's two layers, biases.</summary>
    Gpt2,

    /// <summary>Llama's: rotary positions, RMS norms, grouped-query attention, a gated MLP (SwiGLU), no biases.</summary>
    Llama,
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
    public static IReadOnlyList<ModelFamilyRow> All { get; } =
    [
        new(ModelFamily.Gpt2, "GPT-2", GptConfiguration.ModelType, GptConfiguration.Read, GptConfiguration.Of,
            nameof(ModelShape.Activation)),
        new(ModelFamily.Llama, "Llama", LlamaConfiguration.ModelType, LlamaConfiguration.Read, LlamaConfiguration.Of,
            nameof(ModelShape.KeyValueHeadCount)) { HeadWidthMultiple = 2 },
    ];

    /// <summary>The number that divides the width of its heads.</summary>
    public int HeadWidthMultiple { get; init; } = 1;

    /// <summary>Returns the row of a family.</summary>
    public static ModelFamilyRow Of(ModelFamily family) => All.Single(row => row.Family == family);

    /// <summary>Returns the families that take an option which not all of them have, as in <c>GPT-2 and Llama</c>.</summary>
    public static string With(string option) =>
        string.Join(" and ", All.Where(row => row.OwnOptions.Contains(option)).Select(row => row.Title));

    /// <summary>Lists the options that other families have and this one does not, each with a family that has it.</summary>
    public IEnumerable<(string Option, ModelFamily Has)> MissingOptions() =>
        from row in All
        from option in row.OwnOptions
        where !OwnOptions.Contains(option)
        group row.Family by option into having
        select (having.Key, having.First());
}
