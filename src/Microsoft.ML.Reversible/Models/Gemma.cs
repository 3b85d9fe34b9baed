using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;
using Microsoft.ML.Reversible.Storage;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Models;

/// <summary>
/// The shape of a Gemma: Llama's blocks with norms before and after attention and MLP, whose factor is 1 + w, a GELU gate, embeddings
/// times √width, a sliding window in some layers, and soft caps of scores and logits.
/// </summary>
internal abstract record GemmaConfiguration : LlamaLikeConfiguration
{
    [SetsRequiredMembers]
    private protected GemmaConfiguration(ModelShape shape, int window, int fullEvery) : base(shape) =>
        (SlidingWindow, SlidingLayers) = (window, LayerSet.AllButEvery(fullEvery));

    /// <param name="json">The file.</param>
    /// <param name="theta">The base of the wavelengths where the file has none.</param>
    /// <param name="fullEvery">Every layer of this number has full attention where the file does not list the layers.</param>
    /// <param name="caps">The soft caps where the file has none.</param>
    [SetsRequiredMembers]
    private protected GemmaConfiguration(ConfigurationJson json, double theta, int fullEvery, (double? Score, double? Logit) caps)
        : base(json, new() { Tied = true, Theta = theta, HeadWidth = 256, KeyValueHeads = 4 })
    {
        json.Expect("use_bidirectional_attention", false);
        AttentionBias = json.Value("attention_bias", ifAbsent: false);
        SlidingWindow = json.IsGiven("sliding_window") ? json.Number("sliding_window") : 4096;
        SlidingLayers = LayerSet.ReadSliding(json, SlidingWindow, LayerSet.AllButEvery(fullEvery));
        QueryScalar = json.Value("query_pre_attn_scalar", ifAbsent: 256.0);
        GivenScoreCap = json.IsGiven("attn_logit_softcapping") ? json.Value<double?>("attn_logit_softcapping") : caps.Score;
        GivenLogitCap = json.IsGiven("final_logit_softcapping") ? json.Value<double?>("final_logit_softcapping") : caps.Logit;
    }

    /// <summary>The number whose root the scores are divided by; null is the head's width.</summary>
    internal double? QueryScalar { get; init; }

    /// <summary>The soft cap of the scores; null for none.</summary>
    internal double? GivenScoreCap { get; init; }

    /// <summary>The soft cap of the logits; null for none.</summary>
    internal double? GivenLogitCap { get; init; }

    internal override double EmbeddingScale => Math.Sqrt(Width);

    internal override BlockNorms Norms => BlockNorms.Around;

    internal override bool NormsAddOne => true;

    internal override double? ScoreDivisor => QueryScalar;

    internal override double? ScoreCap => GivenScoreCap;

    internal override double? LogitCap => GivenLogitCap;

    private protected override (string Name, string Function) GateField => ("hidden_activation", "gelu_pytorch_tanh");

    internal override Tensor Gate(Tensor x) => Activation.GeluTanh.Apply(x);

    /// <inheritdoc/>
    internal override void Check()
    {
        base.Check();
        if (QueryScalar is { } scalar) Positive(scalar, nameof(QueryScalar));
        if (ScoreCap is { } scores) Positive(scores, nameof(ScoreCap));
        if (LogitCap is { } logits) Positive(logits, nameof(LogitCap));
    }

    private protected override void WriteOwn(JsonObject json)
    {
        json["attention_bias"] = AttentionBias;
        json["query_pre_attn_scalar"] = QueryScalar ?? HeadSize;
        json["attn_logit_softcapping"] = ConfigurationJson.Float(GivenScoreCap);
        json["final_logit_softcapping"] = ConfigurationJson.Float(GivenLogitCap);
        json["sliding_window"] = SlidingWindow;
        json["layer_types"] = SlidingLayers.ToLayerTypes(LayerCount);
    }
}

/// <summary>The shape of a Gemma 2: every other layer has a window, scores and logits are capped.</summary>
internal sealed record Gemma2Configuration : GemmaConfiguration
{
    internal const string ModelType = "gemma2";

    private const int FullEvery = 2;

    [SetsRequiredMembers]
    private Gemma2Configuration(ModelShape shape) : base(shape, window: 4096, FullEvery) => (GivenScoreCap, GivenLogitCap) = (50, 30);

    [SetsRequiredMembers]
    private Gemma2Configuration(ConfigurationJson json) : base(json, theta: 10000, FullEvery, caps: (50, 30))
    {
    }

    /// <inheritdoc/>
    public override ModelFamily Family => ModelFamily.Gemma2;

    private protected override (string Architecture, string ModelType) Names => ("Gemma2ForCausalLM", ModelType);

    /// <inheritdoc cref="LlamaConfiguration.Of"/>
    internal static Gemma2Configuration Of(ModelShape shape) => new(shape);

    /// <inheritdoc cref="LlamaConfiguration.Read"/>
    internal static Gemma2Configuration Read(ConfigurationJson json) => new(json);
}

/// <summary>
/// The shape of the text part of a Gemma 3: norms of each head's queries and keys, and five of six layers with a window and positions of
/// their own.
/// </summary>
internal sealed record Gemma3Configuration : GemmaConfiguration
{
    internal const string ModelType = "gemma3_text";

    private const int FullEvery = 6;
    private const double Theta = 1e6;

    [SetsRequiredMembers]
    private Gemma3Configuration(ModelShape shape) : base(shape, window: 512, FullEvery) => RopeTheta = Theta;

    [SetsRequiredMembers]
    private Gemma3Configuration(ConfigurationJson json) : base(json, Theta, Pattern(json), caps: default) =>
        LocalRope = RotarySettings.ReadLocal(json, LocalRope.Theta, "sliding_attention");

    /// <summary>The rotary positions of the layers with a window.</summary>
    internal RotarySettings LocalRope { get; init; } = new(10000);

    /// <inheritdoc/>
    public override ModelFamily Family => ModelFamily.Gemma3;

    internal override QueryKeyNorm QueryKeyNorm => QueryKeyNorm.EachHead;

    private protected override string? FullLayerType => "full_attention";

    private protected override (string Architecture, string ModelType) Names => ("Gemma3ForCausalLM", ModelType);

    internal override RotarySettings? RotaryOf(int layer) => SlidingLayers.Contains(layer) ? LocalRope : Rope;

    /// <inheritdoc/>
    internal override void Check()
    {
        base.Check();
        Positive(LocalRope.Theta, nameof(LocalRope));
    }

    /// <inheritdoc cref="LlamaConfiguration.Of"/>
    internal static Gemma3Configuration Of(ModelShape shape) => new(shape);

    /// <inheritdoc cref="LlamaConfiguration.Read"/>
    internal static Gemma3Configuration Read(ConfigurationJson json) => new(json);

    private protected override void WriteOwn(JsonObject json)
    {
        base.WriteOwn(json);
        json["rope_local_base_freq"] = LocalRope.Theta;
    }

    private static int Pattern(ConfigurationJson json) => json.Value("sliding_window_pattern", ifAbsent: FullEvery) is > 0 and var every
        ? every
        : throw new InvalidDataException($"its sliding_window_pattern is {json.Shown("sliding_window_pattern")}, and must be at least 1");
}
