using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Reversible.Storage;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

/// <summary>The shape of a transformer of the Llama family.</summary>
public sealed record LlamaConfiguration : LanguageModelConfiguration
{
    internal const string ModelType = "llama";

    private const int MlpWidthMultiple = 32;

    /// <summary>
    /// Number of heads of keys and values, which groups of query heads share; it divides the head count. Null is the head count.
    /// </summary>
    public int? KeyValueHeadCount { get; init; }

    /// <summary>Length of a head's vectors, even and positive; null is the width over the head count.</summary>
    public int? HeadWidth { get; init; }

    /// <summary>The base of the rotary positions' wavelengths, positive.</summary>
    public double RopeTheta { get; init; } = 10000;

    /// <inheritdoc/>
    public override ModelFamily Family => ModelFamily.Llama;

    /// <inheritdoc/>
    public override long ParameterCount
    {
        get
        {
            long d = Width, m = HiddenWidth, query = (long)HeadCount * HeadSize, keyValue = (long)KeyValueHeads * HeadSize;
            long block = 2 * d + d * (query + 2 * keyValue) + query * d + 3 * d * m;
            return (TiedHead ? 1 : 2) * VocabularySize * d + LayerCount * block + d;
        }
    }

    /// <summary>The given width, else 8/3 of <see cref="LanguageModelConfiguration.Width"/>, rounded up to a multiple of 32.</summary>
    internal override int HiddenWidth =>
        MlpWidth ?? (int)(((8L * Width + 2) / 3 + MlpWidthMultiple - 1) / MlpWidthMultiple * MlpWidthMultiple);

    internal override string OwnValues => string.Create(
        CultureInfo.InvariantCulture, $"{KeyValueHeads} heads of keys and values, head width {HeadSize}, rotary base {RopeTheta}");

    internal override int? GivenKeyValueHeadCount => KeyValueHeadCount;

    internal override string NamePrefix => "model.";

    internal override long TableNumbers => (long)ContextLength * HeadSize;

    internal int KeyValueHeads => KeyValueHeadCount ?? HeadCount;

    internal int HeadSize => HeadWidth ?? Width / HeadCount;

    /// <summary>Makes the configuration of a shape.</summary>
    internal static LlamaConfiguration Of(ModelShape shape) => new()
    {
        VocabularySize = shape.VocabularySize,
        ContextLength = shape.ContextLength,
        LayerCount = shape.LayerCount,
        HeadCount = shape.HeadCount,
        KeyValueHeadCount = shape.KeyValueHeadCount,
        Width = shape.Width,
        MlpWidth = shape.MlpWidth,
        TiedHead = shape.TiedHead,
    };

    /// <summary>Reads the fields of a config.json.</summary>
    /// <exception cref="InvalidDataException">A field is missing or malformed, or has a value that is not supported.</exception>
    internal static LlamaConfiguration Read(ConfigurationJson json)
    {
        json.Expect("hidden_act", "silu");
        json.Expect("attention_bias", false);
        json.Expect("mlp_bias", false);
        json.Expect("pretraining_tp", 1);
        json.Expect("partial_rotary_factor", 1.0);
        int heads = json.Required<int>("num_attention_heads");
        return new LlamaConfiguration
        {
            VocabularySize = json.Required<int>("vocab_size"),
            ContextLength = json.Required<int>("max_position_embeddings"),
            Width = json.Required<int>("hidden_size"),
            MlpWidth = json.Required<int>("intermediate_size"),
            LayerCount = json.Required<int>("num_hidden_layers"),
            HeadCount = heads,
            KeyValueHeadCount = json.Number("num_key_value_heads"),
            HeadWidth = json.Number("head_dim"),
            NormEpsilon = json.Value("rms_norm_eps", ifAbsent: 1e-6),
            RopeTheta = ReadTheta(json),
            TiedHead = json.Value("tie_word_embeddings", ifAbsent: false),
        };
    }

    internal override JsonObject ToJson() => new()
    {
        ["architectures"] = new JsonArray("LlamaForCausalLM"),
        ["model_type"] = ModelType,
        ["vocab_size"] = VocabularySize,
        ["max_position_embeddings"] = ContextLength,
        ["hidden_size"] = Width,
        ["intermediate_size"] = HiddenWidth,
        ["num_hidden_layers"] = LayerCount,
        ["num_attention_heads"] = HeadCount,
        ["num_key_value_heads"] = KeyValueHeads,
        ["head_dim"] = HeadSize,
        ["hidden_act"] = "silu",
        ["rms_norm_eps"] = NormEpsilon,
        ["rope_theta"] = RopeTheta,
        ["rope_scaling"] = null,
        ["attention_bias"] = false,
        ["mlp_bias"] = false,
        ["attention_dropout"] = 0.0,
    };

    internal override bool IsBuffer(string name) => name.EndsWith("rotary_emb.inv_freq", StringComparison.Ordinal);

    private protected override LanguageNetwork Make(ScalarType compute, ParameterFactory make)
    {
        RotaryEmbedding rotary = LlamaModel.Rotary(this, compute, make);
        return new LlamaModel(this, rotary, compute, make);
    }

    /// <inheritdoc/>
    internal override void Check()
    {
        base.Check();
        if (HeadWidth is null && Width % HeadCount != 0)
            throw new ArgumentOutOfRangeException(
                nameof(HeadCount), HeadCount, $"HeadCount must divide Width, which is {Width}, or HeadWidth be given.");
        if (HeadSize <= 0 || HeadSize % 2 != 0)
            throw new ArgumentOutOfRangeException(
                nameof(HeadWidth), HeadSize,
                "HeadWidth, or Width over HeadCount, must be even and at least 2: rotary positions rotate pairs of numbers.");
        Positive(KeyValueHeads, nameof(KeyValueHeadCount));
        if (HeadCount % KeyValueHeads != 0)
            throw new ArgumentOutOfRangeException(
                nameof(KeyValueHeadCount), KeyValueHeads, $"KeyValueHeadCount must divide HeadCount, which is {HeadCount}.");
        if (!(RopeTheta > 0 && double.IsFinite(RopeTheta)))
            throw new ArgumentOutOfRangeException(nameof(RopeTheta), RopeTheta, "RopeTheta must be positive and finite.");
    }

    /// <summary>Reads the base of the wavelengths. Newer files store it in an object with the other settings of the positions.</summary>
    private static double ReadTheta(ConfigurationJson json)
    {
        double theta = json.Value("rope_theta", ifAbsent: 10000.0);
        foreach (string name in (string[])["rope_scaling", "rope_parameters"])
        {
            if (json.Section(name) is not { } positions) continue;
            positions.Expect("partial_rotary_factor", 1.0);
            string kind = positions.Value("rope_type", positions.Value("type", "default"));
            if (kind != "default")
                throw new InvalidDataException(
                    $"its {name} is of type {ConfigurationJson.Show(kind)}, and only \"default\" is supported");
            theta = positions.Value("rope_theta", theta);
        }
        return theta;
    }
}

/// <summary>A model of the Llama family: rotary positions, RMS norms, and a head that may share the token embedding's matrix.</summary>
public sealed class LlamaModel : LanguageNetwork
{
    internal LlamaModel(LlamaConfiguration configuration, RotaryEmbedding rotary, ScalarType compute, ParameterFactory make)
        : base(nameof(LlamaModel), configuration, compute, make, Parts(configuration, rotary, compute, make))
    {
    }

    /// <summary>Makes the rotary positions that all blocks share.</summary>
    internal static RotaryEmbedding Rotary(LlamaConfiguration c, ScalarType compute, ParameterFactory make) =>
        new(make, compute, c.HeadSize, c.ContextLength, c.RopeTheta);

    /// <summary>Makes a block, with the names of its weights as they are in files.</summary>
    internal static TransformerBlock Block(LlamaConfiguration c, RotaryEmbedding rotary, ScalarType compute, ParameterFactory make)
    {
        double deviation = ParameterFactory.OutputDeviation(c);
        long query = (long)c.HeadCount * c.HeadSize, keyValue = (long)c.KeyValueHeads * c.HeadSize;
        return new(
            new BlockPart(
                new RmsNorm(make, compute, "input_layernorm", c.Width, c.NormEpsilon),
                new Attention(
                    new Linear(
                        make, compute,
                        [("self_attn.q_proj", query), ("self_attn.k_proj", keyValue), ("self_attn.v_proj", keyValue)], c.Width),
                    new Linear(make, compute, "self_attn.o_proj", query, c.Width, deviation),
                    c.HeadCount, c.KeyValueHeads, c.HeadSize, rotary)),
            new BlockPart(
                new RmsNorm(make, compute, "post_attention_layernorm", c.Width, c.NormEpsilon),
                new GatedMlp(
                    new Linear(make, compute, [("mlp.gate_proj", c.HiddenWidth), ("mlp.up_proj", c.HiddenWidth)], c.Width),
                    new Linear(make, compute, "mlp.down_proj", c.HiddenWidth, c.Width, deviation))));
    }

    private static NetworkParts Parts(LlamaConfiguration c, RotaryEmbedding rotary, ScalarType compute, ParameterFactory make) => new(
        new Embedding(make, "model.embed_tokens", c.VocabularySize, c.Width),
        Positions: null,
        "model.layers.",
        [.. Enumerable.Range(0, c.LayerCount).Select(_ => Block(c, rotary, compute, make))],
        new RmsNorm(make, ScalarType.Float32, "model.norm", c.Width, c.NormEpsilon),
        rotary);
}
