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

/// <summary>The table of families; the model_type of a config.json selects the row.</summary>
/// <param name="ModelType">The model_type of a config.json.</param>
/// <param name="Read">Reads the other fields.</param>
internal sealed record ModelFamilyRow(string ModelType, Func<ConfigurationJson, LanguageModelConfiguration> Read)
{
    public static IReadOnlyList<ModelFamilyRow> All { get; } =
    [
        new(GptConfiguration.ModelType, GptConfiguration.Read),
        new(LlamaConfiguration.ModelType, LlamaConfiguration.Read),
    ];
}
