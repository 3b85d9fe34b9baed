using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;
using Microsoft.ML.Reversible.Storage;

namespace Microsoft.ML.Reversible.Models;

/// <summary>The shape of a Qwen: Llama's blocks, with a sliding window in the later layers of some models.</summary>
internal abstract record QwenConfiguration : LlamaLikeConfiguration
{
    [SetsRequiredMembers]
    private protected QwenConfiguration(ModelShape shape) : base(shape) => SlidingLayers = LayerSet.None;

    [SetsRequiredMembers]
    private protected QwenConfiguration(ConfigurationJson json, FieldDefaults absent) : base(json, absent)
    {
        bool slides = json.Value("use_sliding_window", ifAbsent: false);
        if (slides) SlidingWindow = json.IsGiven("sliding_window") ? json.Number("sliding_window") : 4096;
        SlidingLayers = LayerSet.ReadSliding(
            json, SlidingWindow,
            SlidingWindow is null ? LayerSet.None : LayerSet.From(json.Value("max_window_layers", ifAbsent: 28)));
    }

    private protected override void WriteOwn(JsonObject json)
    {
        json["use_sliding_window"] = SlidingWindow is not null;
        json["sliding_window"] = SlidingWindow;
        json["max_window_layers"] = Enumerable.Range(0, LayerCount).TakeWhile(layer => !SlidingLayers.Contains(layer)).Count();
        json["layer_types"] = SlidingLayers.ToLayerTypes(LayerCount);
    }
}

/// <summary>The shape of a Qwen 2 or 2.5: biases on queries, keys and values.</summary>
internal sealed record Qwen2Configuration : QwenConfiguration
{
    internal const string ModelType = "qwen2";

    [SetsRequiredMembers]
    private Qwen2Configuration(ModelShape shape) : base(shape)
    {
    }

    [SetsRequiredMembers]
    private Qwen2Configuration(ConfigurationJson json) : base(json, new() { KeyValueHeads = 32 })
    {
    }

    /// <inheritdoc/>
    public override ModelFamily Family => ModelFamily.Qwen2;

    internal override bool QueryKeyValueBias => true;

    private protected override (string Architecture, string ModelType) Names => ("Qwen2ForCausalLM", ModelType);

    private protected override string GgufArchitecture => "qwen2";

    /// <inheritdoc cref="LlamaConfiguration.Of"/>
    internal static Qwen2Configuration Of(ModelShape shape) => new(shape);

    /// <inheritdoc cref="LlamaConfiguration.Read"/>
    internal static Qwen2Configuration Read(ConfigurationJson json) => new(json);
}

/// <summary>The shape of a Qwen 3: norms of each head's queries and keys.</summary>
internal sealed record Qwen3Configuration : QwenConfiguration
{
    internal const string ModelType = "qwen3";

    [SetsRequiredMembers]
    private Qwen3Configuration(ModelShape shape) : base(shape)
    {
    }

    [SetsRequiredMembers]
    private Qwen3Configuration(ConfigurationJson json) : base(json, new() { KeyValueHeads = 32, HeadWidth = 128 }) =>
        AttentionBias = json.Value("attention_bias", ifAbsent: false);

    /// <inheritdoc/>
    public override ModelFamily Family => ModelFamily.Qwen3;

    internal override QueryKeyNorm QueryKeyNorm => QueryKeyNorm.EachHead;

    private protected override (string Architecture, string ModelType) Names => ("Qwen3ForCausalLM", ModelType);

    private protected override string GgufArchitecture => "qwen3";

    /// <inheritdoc cref="LlamaConfiguration.Of"/>
    internal static Qwen3Configuration Of(ModelShape shape) => new(shape);

    /// <inheritdoc cref="LlamaConfiguration.Read"/>
    internal static Qwen3Configuration Read(ConfigurationJson json) => new(json);

    private protected override void WriteOwn(JsonObject json)
    {
        json["attention_bias"] = AttentionBias;
        base.WriteOwn(json);
    }
}
