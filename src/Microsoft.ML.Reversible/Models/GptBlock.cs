using Microsoft.ML.Reversible.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

/// <summary>
/// The function of one pre-LN transformer layer without its outer skip connection:
/// <code>
///     f(p) = Attn(LN₁ p) + Mlp(LN₂(p + Attn(LN₁ p)))          so that p + f(p) is the standard layer
/// </code>
/// from p of shape [batch, context, width] to the same shape.
/// </summary>
public sealed class GptBlock : nn.Module<Tensor, Tensor>
{
    private readonly GptConfiguration _configuration;
    private readonly ScalarType _compute;
    private readonly Parameter _norm1Weight;
    private readonly Parameter _norm1Bias;
    private readonly Parameter _queryKeyValueWeight;
    private readonly Parameter _queryKeyValueBias;
    private readonly Parameter _attentionOutWeight;
    private readonly Parameter _attentionOutBias;
    private readonly Parameter _norm2Weight;
    private readonly Parameter _norm2Bias;
    private readonly Parameter _upWeight;
    private readonly Parameter _upBias;
    private readonly Parameter _downWeight;
    private readonly Parameter _downBias;

    internal GptBlock(GptConfiguration configuration, ScalarType compute, ParameterFactory make) : base(nameof(GptBlock))
    {
        _configuration = configuration;
        _compute = compute;
        long width = configuration.Width, mlp = configuration.HiddenWidth;
        double intoStream = ParameterFactory.Deviation / Math.Sqrt(2.0 * configuration.LayerCount);
        _norm1Weight = make.Ones(width);
        _norm1Bias = make.Zeros(width);
        _queryKeyValueWeight = make.Normal(ParameterFactory.Deviation, 3 * width, width);
        _queryKeyValueBias = make.Zeros(3 * width);
        _attentionOutWeight = make.Normal(intoStream, width, width);
        _attentionOutBias = make.Zeros(width);
        _norm2Weight = make.Ones(width);
        _norm2Bias = make.Zeros(width);
        _upWeight = make.Normal(ParameterFactory.Deviation, mlp, width);
        _upBias = make.Zeros(mlp);
        _downWeight = make.Normal(intoStream, width, mlp);
        _downBias = make.Zeros(width);
        RegisterComponents();
    }

    /// <summary>f(p).</summary>
    /// <param name="input">p, of shape [batch, context, width].</param>
    /// <returns>f(p), of the same shape, in the precision in which the blocks compute.</returns>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        Tensor attention = Attention(Norm(input, _norm1Weight, _norm1Bias));
        Tensor f = attention + Mlp(Norm(input + attention, _norm2Weight, _norm2Bias));
        return f.MoveToOuterDisposeScope();
    }

    /// <summary>The parameters under Hugging Face's names.</summary>
    internal IEnumerable<GptWeight> Weights() =>
    [
        new("ln_1.weight", _norm1Weight),
        new("ln_1.bias", _norm1Bias),
        new("attn.c_attn.weight", _queryKeyValueWeight, Transposed: true),
        new("attn.c_attn.bias", _queryKeyValueBias),
        new("attn.c_proj.weight", _attentionOutWeight, Transposed: true),
        new("attn.c_proj.bias", _attentionOutBias),
        new("ln_2.weight", _norm2Weight),
        new("ln_2.bias", _norm2Bias),
        new("mlp.c_fc.weight", _upWeight, Transposed: true),
        new("mlp.c_fc.bias", _upBias),
        new("mlp.c_proj.weight", _downWeight, Transposed: true),
        new("mlp.c_proj.bias", _downBias),
    ];

    private Tensor Attention(Tensor x)
    {
        long batch = x.shape[0], context = x.shape[1], heads = _configuration.HeadCount;
        Tensor[] qkv = Linear(x, _queryKeyValueWeight, _queryKeyValueBias)
            .view(batch, context, 3, heads, _configuration.Width / heads).permute(2, 0, 3, 1, 4).unbind(0);
        Tensor mixed = nn.functional.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2], is_casual: true);
        return Linear(mixed.transpose(1, 2).reshape(batch, context, _configuration.Width), _attentionOutWeight, _attentionOutBias);
    }

    private Tensor Mlp(Tensor x) =>
        Linear(_configuration.Activation.Apply(Linear(x, _upWeight, _upBias)), _downWeight, _downBias);

    private Tensor Norm(Tensor x, Tensor weight, Tensor bias) =>
        nn.functional.layer_norm(Cast(x), [_configuration.Width], Cast(weight), Cast(bias), _configuration.LayerNormEpsilon);

    private Tensor Linear(Tensor x, Tensor weight, Tensor bias) => nn.functional.linear(x, Cast(weight), Cast(bias));

    private Tensor Cast(Tensor x) => x.dtype == _compute ? x : x.to(_compute);
}
