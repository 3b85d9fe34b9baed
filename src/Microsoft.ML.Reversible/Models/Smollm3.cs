using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;
using Microsoft.ML.Reversible.Storage;

namespace Microsoft.ML.Reversible.Models;

/// <summary>The shape of a SmolLM3: Llama's blocks, some of them without positions.</summary>
internal sealed record Smollm3Configuration : LlamaLikeConfiguration
{
    internal const string ModelType = "smollm3";

    private const int UnrotatedEvery = 4;
    private const double Theta = 2e6;

    [SetsRequiredMembers]
    private Smollm3Configuration(ModelShape shape) : base(shape) =>
        (RopeTheta, SlidingLayers) = (Theta, LayerSet.None);

    [SetsRequiredMembers]
    private Smollm3Configuration(ConfigurationJson json) : base(json, new() { Tied = true, Theta = Theta, KeyValueHeads = 4 })
    {
        AttentionBias = json.Value("attention_bias", ifAbsent: false);
        MlpBias = json.Value("mlp_bias", ifAbsent: false);
        RotatedLayers = ReadRotated(json);
        if (json.Value("use_sliding_window", ifAbsent: false)) SlidingWindow = json.Number("sliding_window");
        SlidingLayers = LayerSet.ReadSliding(json, SlidingWindow, SlidingWindow is null ? LayerSet.None : RotatedLayers.Others);
    }

    /// <summary>The layers with positions.</summary>
    internal LayerSet RotatedLayers { get; init; } = LayerSet.AllButEvery(UnrotatedEvery);

    /// <inheritdoc/>
    public override ModelFamily Family => ModelFamily.Smollm3;

    private protected override (string Architecture, string ModelType) Names => ("SmolLM3ForCausalLM", ModelType);

    internal override RotarySettings? RotaryOf(int layer) => RotatedLayers.Contains(layer) ? Rope : null;

    /// <inheritdoc cref="LlamaConfiguration.Of"/>
    internal static Smollm3Configuration Of(ModelShape shape) => new(shape);

    /// <inheritdoc cref="LlamaConfiguration.Read"/>
    internal static Smollm3Configuration Read(ConfigurationJson json) => new(json);

    private protected override void WriteOwn(JsonObject json)
    {
        json["attention_bias"] = AttentionBias;
        json["mlp_bias"] = MlpBias;
        json["no_rope_layers"] = new JsonArray(
            [.. Enumerable.Range(0, LayerCount).Select(layer => (JsonNode)(RotatedLayers.Contains(layer) ? 1 : 0))]);
        json["use_sliding_window"] = SlidingWindow is not null;
        json["sliding_window"] = SlidingWindow;
        json["layer_types"] = SlidingLayers.ToLayerTypes(LayerCount);
        // transformers' default is an id outside of small vocabularies.
        json["pad_token_id"] = null;
    }

    private static LayerSet ReadRotated(ConfigurationJson json)
    {
        if (!json.Has("no_rope_layers"))
        {
            int every = json.Value("no_rope_layer_interval", ifAbsent: UnrotatedEvery);
            return every > 0
                ? LayerSet.AllButEvery(every)
                : throw new InvalidDataException($"its no_rope_layer_interval is {every}, and must be at least 1");
        }
        IReadOnlyList<int> rotated = json.Numbers("no_rope_layers");
        int layers = json.Required<int>("num_hidden_layers");
        return rotated.Count >= layers
            ? LayerSet.Of(rotated.Select(number => number != 0))
            : throw new InvalidDataException($"its no_rope_layers has {rotated.Count} entries, and its num_hidden_layers is {layers}");
    }
}
