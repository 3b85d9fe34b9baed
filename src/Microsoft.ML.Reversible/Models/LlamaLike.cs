using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Reversible.Storage;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

/// <summary>
/// The shape of a transformer with rotary positions, RMS norms, grouped-query attention and gated MLPs: Llama's, or that of a family which
/// varies Llama's blocks.
/// </summary>
public abstract record LlamaLikeConfiguration : LanguageModelConfiguration
{
    private const int MlpWidthMultiple = 32;

    private protected LlamaLikeConfiguration()
    {
    }

    /// <summary>Makes the configuration of a shape, with the family's defaults.</summary>
    [SetsRequiredMembers]
    private protected LlamaLikeConfiguration(ModelShape shape)
    {
        VocabularySize = shape.VocabularySize;
        ContextLength = shape.ContextLength;
        LayerCount = shape.LayerCount;
        HeadCount = shape.HeadCount;
        KeyValueHeadCount = shape.KeyValueHeadCount;
        Width = shape.Width;
        MlpWidth = shape.MlpWidth;
        TiedHead = shape.TiedHead;
    }

    /// <summary>Reads the fields of a config.json that all of these families have.</summary>
    /// <param name="json">The file.</param>
    /// <param name="absent">The values of fields that the file does not have.</param>
    /// <exception cref="InvalidDataException">A field is missing or malformed, or has a value that is not supported.</exception>
    [SetsRequiredMembers]
    private protected LlamaLikeConfiguration(ConfigurationJson json, FieldDefaults absent)
    {
        json.Expect(GateField.Name, GateField.Function);
        json.Expect("is_causal", true);
        foreach (string experts in (string[])["num_experts", "num_local_experts", "n_routed_experts"]) json.Expect(experts, 0);
        HeadCount = json.Required<int>("num_attention_heads");
        Rope = RotarySettings.Read(json, absent.Theta, FullLayerType);
        if (Rope.Fraction != 1 && !RotatesParts)
            throw new InvalidDataException(
                string.Create(CultureInfo.InvariantCulture, $"its partial_rotary_factor is {Rope.Fraction}, and only 1.0 is supported"));
        VocabularySize = json.Required<int>("vocab_size");
        int longest = json.Required<int>("max_position_embeddings");
        ContextLength = Rope.Scaling?.Context(longest) ?? longest;
        Width = json.Required<int>("hidden_size");
        MlpWidth = json.Required<int>("intermediate_size");
        LayerCount = json.Required<int>("num_hidden_layers");
        KeyValueHeadCount = json.IsGiven("num_key_value_heads") ? json.Number("num_key_value_heads") : absent.KeyValueHeads;
        HeadWidth = json.IsGiven("head_dim") ? json.Number("head_dim") : absent.HeadWidth;
        NormEpsilon = json.Value("rms_norm_eps", absent.Epsilon);
        TiedHead = json.Value("tie_word_embeddings", absent.Tied);
    }

    /// <summary>
    /// Number of heads of keys and values, which groups of query heads share; it divides the head count. Null is the head count.
    /// </summary>
    public int? KeyValueHeadCount { get; init; }

    /// <summary>Length of a head's vectors, even and positive; null is the width over the head count.</summary>
    public int? HeadWidth { get; init; }

    /// <summary>The base of the rotary positions' wavelengths, positive.</summary>
    public double RopeTheta { get => Rope.Theta; init => Rope = Rope with { Theta = value }; }

    /// <inheritdoc/>
    public override long ParameterCount
    {
        get
        {
            long d = Width, m = HiddenWidth, query = (long)HeadCount * HeadSize, keyValue = (long)KeyValueHeads * HeadSize;
            long products = d * (query + 2 * keyValue) + query * d + 3 * d * m;
            long biases = (QueryKeyValueBias ? query + 2 * keyValue : 0) + (AttentionBias ? d : 0) + (MlpBias ? 2 * m + d : 0);
            long headNorms = QueryKeyNorm switch
            {
                QueryKeyNorm.None => 0, QueryKeyNorm.EachHead => 2L * HeadSize, _ => query + keyValue,
            };
            return (TiedHead ? 1 : 2) * VocabularySize * d + LayerCount * (Norms.Count * d + products + biases + headNorms) + d;
        }
    }

    /// <summary>The given width, else 8/3 of <see cref="LanguageModelConfiguration.Width"/>, rounded up to a multiple of 32.</summary>
    internal override int HiddenWidth =>
        MlpWidth ?? (int)(((8L * Width + 2) / 3 + MlpWidthMultiple - 1) / MlpWidthMultiple * MlpWidthMultiple);

    internal override string OwnValues
    {
        get
        {
            string values = string.Create(
                CultureInfo.InvariantCulture, $"{KeyValueHeads} heads of keys and values, head width {HeadSize}, rotary base {RopeTheta}");
            var own = new JsonObject { ["rope_scaling"] = Rope.Scaling?.ToJson() };
            WriteOwn(own);
            var set = own.Where(entry => entry.Value?.ToJsonString() is not (null or "false"));
            return string.Concat([values, .. set.Select(entry => $", {entry.Key} {entry.Value!.ToJsonString()}")]);
        }
    }

    internal override int? GivenKeyValueHeadCount => KeyValueHeadCount;

    internal override string NamePrefix => "model.";

    internal override int? FixedLength => Rope.Scaling?.FixedLength;

    internal override long TableNumbers =>
        Enumerable.Range(0, LayerCount).Select(RotaryOf).OfType<RotarySettings>().Distinct().Count() * (long)ContextLength * HeadSize;

    internal int KeyValueHeads => KeyValueHeadCount ?? HeadCount;

    internal int HeadSize => HeadWidth ?? Width / HeadCount;

    /// <summary>The rotary positions of layers with full attention.</summary>
    internal RotarySettings Rope { get; init; } = new(10000);

    /// <summary>The most tokens that a token attends to, itself included, in <see cref="SlidingLayers"/>; null for no window.</summary>
    internal int? SlidingWindow { get; init; }

    /// <summary>The layers with a window.</summary>
    internal LayerSet SlidingLayers { get; init; } = LayerSet.All;

    /// <summary>Whether the attention's projections have biases.</summary>
    internal bool AttentionBias { get; init; }

    /// <summary>Whether the MLP's products have biases.</summary>
    internal bool MlpBias { get; init; }

    /// <summary>Whether the projections to queries, keys and values have biases.</summary>
    internal virtual bool QueryKeyValueBias => AttentionBias;

    /// <summary>Whether files store the projections to queries, keys and values as one matrix, and so the MLP's gate and up.</summary>
    internal virtual bool JoinedProjections => false;

    /// <summary>The norms of queries and keys.</summary>
    internal virtual QueryKeyNorm QueryKeyNorm => QueryKeyNorm.None;

    /// <summary>The norms of a block.</summary>
    internal virtual BlockNorms Norms => BlockNorms.Before;

    /// <summary>Whether the norms' factor is 1 + w.</summary>
    internal virtual bool NormsAddOne => false;

    /// <summary>The number whose root the scores are divided by; null is the head's width.</summary>
    internal virtual double? ScoreDivisor => null;

    /// <summary>The soft cap of the attention's scores; null for none.</summary>
    internal virtual double? ScoreCap => null;

    /// <summary>Whether only a part of each head may be rotated.</summary>
    private protected virtual bool RotatesParts => false;

    /// <summary>The key of layers with full attention within <c>rope_parameters</c>; null where all have the same positions.</summary>
    private protected virtual string? FullLayerType => null;

    /// <summary>The field that names the gate's function, and the only name that it may have.</summary>
    private protected virtual (string Name, string Function) GateField => ("hidden_act", "silu");

    /// <summary>The class in transformers, and its model_type.</summary>
    private protected abstract (string Architecture, string ModelType) Names { get; }

    /// <summary>llama.cpp's name of the architecture; null if GGUF files of the family are not written.</summary>
    private protected virtual string? GgufArchitecture => null;

    /// <summary>Returns the rotary positions of a layer; null where it has none.</summary>
    internal virtual RotarySettings? RotaryOf(int layer) => Rope;

    /// <summary>Applies the gate's function.</summary>
    internal virtual Tensor Gate(Tensor x) => nn.functional.silu(x);

    /// <summary>Returns the limits of a layer's attention.</summary>
    internal AttentionLimits LimitsOf(int layer) => new(SlidingLayers.Contains(layer) ? SlidingWindow : null, ScoreCap);

    internal override JsonObject ToJson()
    {
        var json = new JsonObject
        {
            ["architectures"] = new JsonArray(Names.Architecture),
            ["model_type"] = Names.ModelType,
            ["vocab_size"] = VocabularySize,
            ["max_position_embeddings"] = FixedLength ?? ContextLength,
            ["hidden_size"] = Width,
            ["intermediate_size"] = HiddenWidth,
            ["num_hidden_layers"] = LayerCount,
            ["num_attention_heads"] = HeadCount,
            ["num_key_value_heads"] = KeyValueHeads,
            ["head_dim"] = HeadSize,
            [GateField.Name] = GateField.Function,
            ["rms_norm_eps"] = NormEpsilon,
            ["rope_theta"] = RopeTheta,
            ["rope_scaling"] = Rope.Scaling?.ToJson(),
        };
        WriteOwn(json);
        json["attention_dropout"] = 0.0;
        return json;
    }

    /// <summary>Writes the fields that only this family has.</summary>
    private protected abstract void WriteOwn(JsonObject json);

    /// <inheritdoc/>
    internal override GgufForm ToGguf() => GgufArchitecture is { } architecture ? LlamaGguf.Of(this, architecture) : base.ToGguf();

    internal override bool IsBuffer(string name) => name.EndsWith("rotary_emb.inv_freq", StringComparison.Ordinal);

    private protected override LanguageNetwork Make(ScalarType compute, ParameterFactory make) =>
        new LlamaModel(this, LlamaModel.Rotary(this, compute, make), compute, make);

    /// <inheritdoc/>
    internal override void Check()
    {
        base.Check();
        if (HeadWidth is null && Width % HeadCount != 0)
            throw new ArgumentOutOfRangeException(
                nameof(HeadCount), HeadCount, $"HeadCount must divide Width, which is {Width}, or HeadWidth be given.");
        int least = FixedLength is null ? 2 : 4, rotated = HeadSize > 0 ? Rope.Size(HeadSize) : 0;
        if (HeadSize <= 0 || rotated % 2 != 0 || rotated < least || rotated > HeadSize)
            throw new ArgumentOutOfRangeException(
                nameof(HeadWidth), HeadSize,
                $"HeadWidth, or Width over HeadCount, must be even and at least {least}: rotary positions rotate pairs of numbers.");
        Positive(KeyValueHeads, nameof(KeyValueHeadCount));
        if (HeadCount % KeyValueHeads != 0)
            throw new ArgumentOutOfRangeException(
                nameof(KeyValueHeadCount), KeyValueHeads, $"KeyValueHeadCount must divide HeadCount, which is {HeadCount}.");
        Positive(RopeTheta, nameof(RopeTheta));
        if (SlidingWindow is { } window) Positive(window, nameof(SlidingWindow));
    }

    /// <summary>The values of fields that a file does not have: those of transformers' class.</summary>
    private protected readonly record struct FieldDefaults()
    {
        public bool Tied { get; init; }

        public double Epsilon { get; init; } = 1e-6;

        public double Theta { get; init; } = 10000;

        public int? HeadWidth { get; init; }

        public int? KeyValueHeads { get; init; }
    }
}

/// <summary>
/// A model of the Llama family, or of one that varies its blocks: rotary positions, RMS norms, gated MLPs, and a head that may share the
/// token embedding's matrix.
/// </summary>
public sealed class LlamaModel : LanguageNetwork
{
    internal LlamaModel(
        LlamaLikeConfiguration configuration, IReadOnlyDictionary<RotarySettings, RotaryEmbedding> rotary, ScalarType compute,
        ParameterFactory make)
        : base(nameof(LlamaModel), configuration, compute, make, Parts(configuration, rotary, compute, make))
    {
    }

    /// <summary>Makes the rotary positions; all blocks with the same settings share them.</summary>
    internal static IReadOnlyDictionary<RotarySettings, RotaryEmbedding> Rotary(
        LlamaLikeConfiguration c, ScalarType compute, ParameterFactory make) =>
        Enumerable.Range(0, c.LayerCount).Select(c.RotaryOf).OfType<RotarySettings>().Distinct().ToDictionary(
            settings => settings, settings => new RotaryEmbedding(make, compute, c.HeadSize, c.ContextLength, settings));

    /// <summary>Makes a block, with the names of its weights as they are in files.</summary>
    internal static TransformerBlock Block(
        LlamaLikeConfiguration c, int layer, IReadOnlyDictionary<RotarySettings, RotaryEmbedding> rotary, ScalarType compute,
        ParameterFactory make)
    {
        double deviation = ParameterFactory.OutputDeviation(c);
        long query = (long)c.HeadCount * c.HeadSize, keyValue = (long)c.KeyValueHeads * c.HeadSize;
        (string, long)[] queryKeyValue = c.JoinedProjections
            ? [("self_attn.qkv_proj", query + 2 * keyValue)]
            : [("self_attn.q_proj", query), ("self_attn.k_proj", keyValue), ("self_attn.v_proj", keyValue)];
        (string, long)[] gateUp = c.JoinedProjections
            ? [("mlp.gate_up_proj", 2L * c.HiddenWidth)]
            : [("mlp.gate_proj", c.HiddenWidth), ("mlp.up_proj", c.HiddenWidth)];
        return new(
            new BlockPart(
                Norm(c.Norms.BeforeAttention),
                new Attention(
                    new Linear(make, compute, queryKeyValue, c.Width, bias: c.QueryKeyValueBias),
                    new Linear(make, compute, "self_attn.o_proj", query, c.Width, deviation, c.AttentionBias),
                    c.HeadCount, c.KeyValueHeads, c.HeadSize, c.RotaryOf(layer) is { } settings ? rotary[settings] : null, HeadNorms())
                {
                    Limits = c.LimitsOf(layer),
                    QueryFactor = c.ScoreDivisor is { } divisor ? Math.Sqrt(c.HeadSize / divisor) : 1,
                },
                Norm(c.Norms.AfterAttention)),
            new BlockPart(
                Norm(c.Norms.BeforeMlp),
                new GatedMlp(
                    new Linear(make, compute, gateUp, c.Width, bias: c.MlpBias),
                    new Linear(make, compute, "mlp.down_proj", c.HiddenWidth, c.Width, deviation, c.MlpBias),
                    c.Gate),
                Norm(c.Norms.AfterMlp)));

        RmsNorm? Norm(string? name) => name is null ? null : Of(name, c.Width);

        RmsNorm Of(string name, long width) => new(make, compute, name, width, c.NormEpsilon, c.NormsAddOne);

        (RmsNorm, RmsNorm)? HeadNorms() => c.QueryKeyNorm switch
        {
            QueryKeyNorm.None => null,
            QueryKeyNorm.EachHead => (Of("self_attn.q_norm", c.HeadSize), Of("self_attn.k_norm", c.HeadSize)),
            _ => (Of("self_attn.q_norm", query), Of("self_attn.k_norm", keyValue)),
        };
    }

    private static NetworkParts Parts(
        LlamaLikeConfiguration c, IReadOnlyDictionary<RotarySettings, RotaryEmbedding> rotary, ScalarType compute, ParameterFactory make) =>
        new(
            new Embedding(make, "model.embed_tokens", c.VocabularySize, c.Width),
            Positions: null,
            "model.layers.",
            [.. Enumerable.Range(0, c.LayerCount).Select(layer => Block(c, layer, rotary, compute, make))],
            new RmsNorm(make, ScalarType.Float32, "model.norm", c.Width, c.NormEpsilon, c.NormsAddOne),
            [.. rotary.Values]);
}
