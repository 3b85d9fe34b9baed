using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Models;

/// <summary>A norm over the last dimension, in the number type in which the model computes; the parameters keep theirs.</summary>
internal abstract class Norm(string name) : NamedModule(name);

/// <summary>w (x - mean x) / √(variance x + ε) + b.</summary>
internal sealed class LayerNorm : Norm
{
    private readonly string _name;
    private readonly long _width;
    private readonly double _epsilon;
    private readonly ScalarType _compute;
    private readonly Parameter _weight;
    private readonly Parameter _bias;

    public LayerNorm(ParameterFactory make, ScalarType compute, string name, long width, double epsilon) : base(nameof(LayerNorm))
    {
        (_name, _width, _epsilon, _compute) = (name, width, epsilon, compute);
        _weight = make.Ones(width);
        _bias = make.Zeros(width);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input) => nn.functional.layer_norm(
        input.InType(_compute), [_width], _weight.InType(_compute), _bias.InType(_compute), _epsilon);

    /// <inheritdoc/>
    public override IEnumerable<NamedWeight> Weights() =>
        [new(_name + ".weight", _weight, [_width]), new(_name + ".bias", _bias, [_width])];
}

/// <summary>w x / √(mean x² + ε), or (1 + w) in place of w.</summary>
internal sealed class RmsNorm : Norm
{
    private readonly string _name;
    private readonly double _epsilon;
    private readonly bool _addsOne;
    private readonly ScalarType _compute;
    private readonly Parameter _weight;

    /// <summary>Makes the module.</summary>
    /// <param name="make">Makes the parameter.</param>
    /// <param name="compute">The number type of the result.</param>
    /// <param name="name">The name in files, without <c>.weight</c>.</param>
    /// <param name="width">The size of the last dimension.</param>
    /// <param name="epsilon">ε.</param>
    /// <param name="addsOne">Whether the factor is 1 + w.</param>
    public RmsNorm(ParameterFactory make, ScalarType compute, string name, long width, double epsilon, bool addsOne = false)
        : base(nameof(RmsNorm))
    {
        (_name, Width, _epsilon, _addsOne, _compute) = (name, width, epsilon, addsOne, compute);
        _weight = addsOne ? make.Zeros(width) : make.Ones(width);
        RegisterComponents();
    }

    /// <summary>The size of the last dimension.</summary>
    public long Width { get; }

    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        // The mean square of a bfloat16 hidden state would have three digits.
        Tensor wide = input.dtype == ScalarType.Float64 ? input : input.to(ScalarType.Float32);
        Tensor scale = wide.square().mean([-1], keepdim: true).add(_epsilon).rsqrt();
        Tensor result = _addsOne
            ? (wide * scale * (_weight.to(wide) + 1)).InType(_compute)
            : (wide * scale).InType(_compute) * _weight.InType(_compute);
        return result.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override IEnumerable<NamedWeight> Weights() => [new(_name + ".weight", _weight, [Width])];
}

/// <summary>The norms of queries and keys, before positions are applied.</summary>
internal enum QueryKeyNorm
{
    /// <summary>None.</summary>
    None,

    /// <summary>Over each head, with the same weights for all.</summary>
    EachHead,

    /// <summary>Over all heads together.</summary>
    AllHeads,
}

/// <summary>The names of a block's norms before and after attention and MLP; null where there is none.</summary>
internal sealed record BlockNorms(string? BeforeAttention, string? AfterAttention, string? BeforeMlp, string? AfterMlp)
{
    /// <summary>Llama's.</summary>
    public static BlockNorms Before { get; } = new("input_layernorm", null, "post_attention_layernorm", null);

    /// <summary>OLMo 2's.</summary>
    public static BlockNorms After { get; } = new(null, "post_attention_layernorm", null, "post_feedforward_layernorm");

    /// <summary>Gemma's.</summary>
    public static BlockNorms Around { get; } =
        new("input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm", "post_feedforward_layernorm");

    /// <summary>Number of norms.</summary>
    public int Count => ((string?[])[BeforeAttention, AfterAttention, BeforeMlp, AfterMlp]).Count(name => name is not null);
}
