using System.Text.Json.Nodes;
using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Reversible.Storage;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

/// <summary>The shape of a transformer of the GPT-2 family.</summary>
public sealed record GptConfiguration : LanguageModelConfiguration
{
    internal const string ModelType = "gpt2";

    private static readonly (Activation Activation, string Name)[] _activationNames =
    [
        (Activation.Gelu, "gelu"),
        (Activation.GeluTanh, "gelu_new"),
        (Activation.GeluTanh, "gelu_pytorch_tanh"),
        (Activation.GeluTanh, "gelu_fast"),
        (Activation.Relu, "relu"),
    ];

    private static readonly Dictionary<string, string> _fieldNames = new()
    {
        [nameof(VocabularySize)] = "vocab_size",
        [nameof(ContextLength)] = "n_positions",
        [nameof(LayerCount)] = "n_layer",
        [nameof(HeadCount)] = "n_head",
        [nameof(Width)] = "n_embd",
        [nameof(MlpWidth)] = "n_inner",
        [nameof(NormEpsilon)] = "layer_norm_epsilon",
    };

    /// <summary>The function between the two layers of the MLP.</summary>
    public Activation Activation { get; init; } = Activation.Gelu;

    /// <inheritdoc/>
    public override ModelFamily Family => ModelFamily.Gpt2;

    /// <inheritdoc/>
    public override long ParameterCount
    {
        get
        {
            long d = Width, m = HiddenWidth;
            long block = 4 * d + (3 * d * d + 3 * d) + (d * d + d) + (d * m + m) + (m * d + d);
            return (TiedHead ? 1 : 2) * VocabularySize * d + ContextLength * d + LayerCount * block + 2 * d;
        }
    }

    /// <summary>The given width, else four times <see cref="LanguageModelConfiguration.Width"/>.</summary>
    internal override int HiddenWidth => MlpWidth ?? 4 * Width;

    internal override string OwnValues => Activation.ToString();

    internal override string NamePrefix => "transformer.";

    internal override IReadOnlyDictionary<string, string> FieldNames => _fieldNames;

    /// <summary>Makes the configuration of a shape.</summary>
    internal static GptConfiguration Of(ModelShape shape) => new()
    {
        VocabularySize = shape.VocabularySize,
        ContextLength = shape.ContextLength,
        LayerCount = shape.LayerCount,
        HeadCount = shape.HeadCount,
        Width = shape.Width,
        MlpWidth = shape.MlpWidth,
        Activation = shape.Activation,
        TiedHead = shape.TiedHead,
    };

    /// <summary>Reads the fields of a config.json.</summary>
    /// <exception cref="InvalidDataException">A field is missing or malformed, or has a value that is not supported.</exception>
    internal static GptConfiguration Read(ConfigurationJson json)
    {
        json.Expect("scale_attn_weights", true);
        json.Expect("scale_attn_by_inverse_layer_idx", false);
        json.Expect("reorder_and_upcast_attn", false);
        json.Expect("add_cross_attention", false);
        return new GptConfiguration
        {
            VocabularySize = json.Required<int>("vocab_size"),
            ContextLength = json.Required<int>("n_positions"),
            Width = json.Required<int>("n_embd"),
            LayerCount = json.Required<int>("n_layer"),
            HeadCount = json.Required<int>("n_head"),
            MlpWidth = json.Number("n_inner"),
            Activation = ReadActivation(json.Value("activation_function", ifAbsent: "gelu_new")),
            NormEpsilon = json.Value("layer_norm_epsilon", ifAbsent: 1e-5),
            TiedHead = json.Value("tie_word_embeddings", ifAbsent: true),
        };
    }

    internal override JsonObject ToJson() => new()
    {
        ["architectures"] = new JsonArray("GPT2LMHeadModel"),
        ["model_type"] = ModelType,
        ["vocab_size"] = VocabularySize,
        ["n_positions"] = ContextLength,
        ["n_embd"] = Width,
        ["n_layer"] = LayerCount,
        ["n_head"] = HeadCount,
        ["n_inner"] = MlpWidth,
        ["activation_function"] = _activationNames.First(a => a.Activation == Activation).Name,
        ["layer_norm_epsilon"] = NormEpsilon,
        ["resid_pdrop"] = 0.0,
        ["embd_pdrop"] = 0.0,
        ["attn_pdrop"] = 0.0,
    };

    /// <inheritdoc/>
    internal override GgufForm ToGguf() => Activation == Activation.Relu
        ? throw GgufForm.Refusal("its activation is ReLU, and llama.cpp computes GELU")
        : new(
            "gpt2",
            [
                ("context_length", (uint)ContextLength),
                ("embedding_length", (uint)Width),
                ("feed_forward_length", (uint)HiddenWidth),
                ("block_count", (uint)LayerCount),
                ("attention.head_count", (uint)HeadCount),
                ("attention.layer_norm_epsilon", (float)NormEpsilon),
            ],
            new Dictionary<string, string>
            {
                ["transformer.wte"] = "token_embd",
                ["transformer.wpe"] = "position_embd",
                ["ln_1"] = "attn_norm",
                ["attn.c_attn"] = "attn_qkv",
                ["attn.c_proj"] = "attn_output",
                ["ln_2"] = "ffn_norm",
                ["mlp.c_fc"] = "ffn_up",
                ["mlp.c_proj"] = "ffn_down",
                ["transformer.ln_f"] = "output_norm",
                [LanguageNetwork.HeadName] = "output",
            });

    internal override bool IsBuffer(string name) =>
        name.EndsWith(".attn.bias", StringComparison.Ordinal) || name.EndsWith(".attn.masked_bias", StringComparison.Ordinal);

    private protected override LanguageNetwork Make(ScalarType compute, ParameterFactory make) => new GptModel(this, compute, make);

    /// <inheritdoc/>
    internal override void Check()
    {
        base.Check();
        if (Width % HeadCount != 0)
            throw new ArgumentOutOfRangeException(nameof(HeadCount), HeadCount, $"HeadCount must divide Width, which is {Width}.");
    }

    private static Activation ReadActivation(string name)
    {
        foreach ((Activation activation, string own) in _activationNames)
            if (own == name) return activation;
        string known = string.Join(", ", _activationNames.Select(a => a.Name));
        throw new InvalidDataException($"its activation_function is {ConfigurationJson.Show(name)}, not one of {known}");
    }
}

/// <summary>A model of the GPT-2 family: learned positions, layer norms, and a head that may share the token embedding's matrix.</summary>
public sealed class GptModel : LanguageNetwork
{
    internal GptModel(GptConfiguration configuration, ScalarType compute, ParameterFactory make)
        : base(nameof(GptModel), configuration, compute, make, Parts(configuration, compute, make))
    {
    }

    /// <summary>Makes a block, with the names of its weights as they are in files, which store matrices transposed.</summary>
    internal static TransformerBlock Block(GptConfiguration c, ScalarType compute, ParameterFactory make)
    {
        double deviation = ParameterFactory.OutputDeviation(c);
        return new(
            new BlockPart(
                new LayerNorm(make, compute, "ln_1", c.Width, c.NormEpsilon),
                new Attention(
                    new Linear(make, compute, "attn.c_attn", c.Width, 3L * c.Width, bias: true, transposed: true),
                    new Linear(make, compute, "attn.c_proj", c.Width, c.Width, deviation, bias: true, transposed: true),
                    c.HeadCount, c.HeadCount, c.Width / c.HeadCount)),
            new BlockPart(
                new LayerNorm(make, compute, "ln_2", c.Width, c.NormEpsilon),
                new Mlp(
                    new Linear(make, compute, "mlp.c_fc", c.Width, c.HiddenWidth, bias: true, transposed: true),
                    new Linear(make, compute, "mlp.c_proj", c.HiddenWidth, c.Width, deviation, bias: true, transposed: true),
                    c.Activation)));
    }

    private static NetworkParts Parts(GptConfiguration c, ScalarType compute, ParameterFactory make) => new(
        new Embedding(make, "transformer.wte", c.VocabularySize, c.Width),
        new Embedding(make, "transformer.wpe", c.ContextLength, c.Width),
        "transformer.h.",
        [.. Enumerable.Range(0, c.LayerCount).Select(_ => Block(c, compute, make))],
        new LayerNorm(make, ScalarType.Float32, "transformer.ln_f", c.Width, c.NormEpsilon));
}
