using Microsoft.ML.Reversible.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

/// <summary>p ↦ Attn(RMS₁ p) of the Llama family: causal grouped-query attention with rotary positions, its norm before it.</summary>
internal sealed class LlamaAttention : BlockPart, ICachedFunction
{
    private readonly LlamaConfiguration _configuration;
    private readonly RotaryPositions _positions;
    private readonly BlockMath _math;
    private readonly Parameter _normWeight;
    private readonly Parameter _queryKeyValueWeight;
    private readonly Parameter _outWeight;

    public LlamaAttention(LlamaConfiguration configuration, RotaryPositions positions, ScalarType compute, ParameterFactory make)
        : base(nameof(LlamaAttention))
    {
        _configuration = configuration;
        _positions = positions;
        _math = new BlockMath(configuration, compute);
        _normWeight = make.Ones(configuration.Width);
        _queryKeyValueWeight = make.Normal(ParameterFactory.Deviation, QueryRows + 2 * KeyValueRows, configuration.Width);
        _outWeight = make.Normal(ParameterFactory.IntoStream(configuration), configuration.Width, QueryRows);
        RegisterComponents();
    }

    private long QueryRows => (long)_configuration.HeadCount * _configuration.HeadSize;

    private long KeyValueRows => (long)_configuration.KeyValueHeads * _configuration.HeadSize;

    public override Tensor forward(Tensor input) => Forward(input, null);

    /// <inheritdoc/>
    public Tensor Forward(Tensor input, CacheLayer? at)
    {
        using var scope = NewDisposeScope();
        long batch = input.shape[0], context = input.shape[1];
        Tensor joined = _math.Linear(_math.RmsNorm(input, _normWeight), _queryKeyValueWeight);
        Tensor heads = joined.view(batch, context, -1, _configuration.HeadSize);
        int queries = _configuration.HeadCount, keys = _configuration.KeyValueHeads;
        Tensor turned = _positions.Turn(heads.narrow(2, 0, queries + keys), at?.Positions);
        Tensor query = turned.narrow(2, 0, queries).transpose(1, 2), key = turned.narrow(2, queries, keys).transpose(1, 2);
        Tensor value = heads.narrow(2, queries + keys, keys).transpose(1, 2);
        Tensor mixed = at?.Attend(query, key, value)
            ?? CausalAttention.Of(query, ForEachQuery(key), ForEachQuery(value));
        return _math.Linear(mixed.transpose(1, 2).reshape(batch, context, QueryRows), _outWeight).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override IEnumerable<NamedWeight> Weights() =>
    [
        new("input_layernorm.weight", _normWeight),
        new("self_attn.q_proj.weight", _queryKeyValueWeight, FirstRow: 0, Rows: QueryRows),
        new("self_attn.k_proj.weight", _queryKeyValueWeight, FirstRow: QueryRows, Rows: KeyValueRows),
        new("self_attn.v_proj.weight", _queryKeyValueWeight, FirstRow: QueryRows + KeyValueRows, Rows: KeyValueRows),
        new("self_attn.o_proj.weight", _outWeight),
    ];

    /// <summary>Repeats each head of keys or values for the group of query heads that shares it.</summary>
    private Tensor ForEachQuery(Tensor x)
    {
        long group = _configuration.HeadCount / _configuration.KeyValueHeads;
        if (group == 1) return x;
        long batch = x.shape[0], heads = x.shape[1], context = x.shape[2], size = x.shape[3];
        return x.unsqueeze(2).expand(batch, heads, group, context, size).reshape(batch, heads * group, context, size);
    }
}
