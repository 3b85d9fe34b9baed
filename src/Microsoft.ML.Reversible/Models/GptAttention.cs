using Microsoft.ML.Reversible.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

/// <summary>p ↦ Attn(LN₁ p) of the GPT-2 family: causal self-attention with its layer norm before it.</summary>
internal sealed class GptAttention : BlockPart, ICachedFunction
{
    private readonly GptConfiguration _configuration;
    private readonly BlockMath _math;
    private readonly Parameter _normWeight;
    private readonly Parameter _normBias;
    private readonly Parameter _queryKeyValueWeight;
    private readonly Parameter _queryKeyValueBias;
    private readonly Parameter _outWeight;
    private readonly Parameter _outBias;

    public GptAttention(GptConfiguration configuration, ScalarType compute, ParameterFactory make) : base(nameof(GptAttention))
    {
        _configuration = configuration;
        _math = new BlockMath(configuration, compute);
        long width = configuration.Width;
        _normWeight = make.Ones(width);
        _normBias = make.Zeros(width);
        _queryKeyValueWeight = make.Normal(ParameterFactory.Deviation, 3 * width, width);
        _queryKeyValueBias = make.Zeros(3 * width);
        _outWeight = make.Normal(ParameterFactory.IntoStream(configuration), width, width);
        _outBias = make.Zeros(width);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input) => Forward(input, null);

    /// <inheritdoc/>
    public Tensor Forward(Tensor input, CacheLayer? at)
    {
        using var scope = NewDisposeScope();
        long batch = input.shape[0], context = input.shape[1], width = _configuration.Width, heads = _configuration.HeadCount;
        Tensor joined = _math.Linear(_math.LayerNorm(input, _normWeight, _normBias), _queryKeyValueWeight, _queryKeyValueBias);
        // Taken apart at the place where they are joined, so that their gradients are joined without a further copy.
        Tensor[] parts = joined.view(batch, context, 3, heads, width / heads).unbind(2);
        Tensor query = parts[0].transpose(1, 2), key = parts[1].transpose(1, 2), value = parts[2].transpose(1, 2);
        Tensor mixed = at?.Attend(query, key, value)
            ?? CausalAttention.Of(query, key, value);
        return _math.Linear(mixed.transpose(1, 2).reshape(batch, context, width), _outWeight, _outBias).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override IEnumerable<NamedWeight> Weights() =>
    [
        new("ln_1.weight", _normWeight),
        new("ln_1.bias", _normBias),
        new("attn.c_attn.weight", _queryKeyValueWeight, Transposed: true),
        new("attn.c_attn.bias", _queryKeyValueBias),
        new("attn.c_proj.weight", _outWeight, Transposed: true),
        new("attn.c_proj.bias", _outBias),
    ];
}
