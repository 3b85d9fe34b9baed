using Microsoft.ML.Reversible.Schemes;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Models;

/// <summary>
/// Self-attention: softmax(Q Kᵀ / √d + mask) V of every head, then a matrix product. Groups of query heads may share a head of keys and
/// values. In a <see cref="CachePass"/> the pass decides what a token attends to.
/// </summary>
internal sealed class Attention : NamedModule, IContextFunction
{
    private readonly Linear _queryKeyValue;
    private readonly Linear _output;
    private readonly RotaryEmbedding? _rotary;
    private readonly int _heads;
    private readonly int _keyValueHeads;
    private readonly int _headSize;
    private readonly bool _causal;

    /// <summary>Makes the module.</summary>
    /// <param name="queryKeyValue">Computes the queries of all heads, then the keys, then the values.</param>
    /// <param name="output">The matrix product over the results of all heads.</param>
    /// <param name="heads">Number of query heads.</param>
    /// <param name="keyValueHeads">Number of heads of keys and values; it divides the number of query heads.</param>
    /// <param name="headSize">d.</param>
    /// <param name="rotary">Rotates queries and keys by their positions; null where positions are added elsewhere.</param>
    /// <param name="causal">Whether a token attends only to itself and to those before it.</param>
    public Attention(
        Linear queryKeyValue, Linear output, int heads, int keyValueHeads, int headSize, RotaryEmbedding? rotary = null, bool causal = true)
        : base(nameof(Attention))
    {
        (_queryKeyValue, _output, _rotary) = (queryKeyValue, output, rotary);
        (_heads, _keyValueHeads, _headSize, _causal) = (heads, keyValueHeads, headSize, causal);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input) => Forward(input, null);

    /// <inheritdoc/>
    public Tensor Forward(Tensor input, EvaluationContext? context)
    {
        using var scope = NewDisposeScope();
        var pass = (CachePass?)context;
        long batch = input.shape[0], tokens = input.shape[1];
        Tensor joined = _queryKeyValue.call(input).view(batch, tokens, -1, _headSize);
        (Tensor query, Tensor key, Tensor value) = Split(joined, pass?.Positions);
        Tensor mixed = pass?.Attend(query, key, value)
            ?? DotProductAttention.Of(query, ForEachQuery(key), ForEachQuery(value), _causal);
        return _output.call(mixed.transpose(1, 2).reshape(batch, tokens, (long)_heads * _headSize)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override IEnumerable<NamedWeight> Weights() => [.. _queryKeyValue.Weights(), .. _output.Weights()];

    /// <summary>Takes [batch, tokens, heads, d] apart into queries, keys and values of shape [batch, heads, tokens, d].</summary>
    private (Tensor Query, Tensor Key, Tensor Value) Split(Tensor joined, Tensor? positions)
    {
        if (_rotary is null)
        {
            // One split, so that the gradients are joined without another copy.
            Tensor[] parts = joined.split([_heads, _keyValueHeads, _keyValueHeads], 2);
            return (parts[0].transpose(1, 2), parts[1].transpose(1, 2), parts[2].transpose(1, 2));
        }
        Tensor rotated = _rotary.Rotate(joined.narrow(2, 0, _heads + _keyValueHeads), positions);
        return (
            rotated.narrow(2, 0, _heads).transpose(1, 2),
            rotated.narrow(2, _heads, _keyValueHeads).transpose(1, 2),
            joined.narrow(2, _heads + _keyValueHeads, _keyValueHeads).transpose(1, 2));
    }

    /// <summary>Repeats each head of keys or values for the group of query heads that shares it.</summary>
    private Tensor ForEachQuery(Tensor x)
    {
        long group = _heads / _keyValueHeads;
        if (group == 1) return x;
        long batch = x.shape[0], heads = x.shape[1], tokens = x.shape[2], size = x.shape[3];
        return x.unsqueeze(2).expand(batch, heads, group, tokens, size).reshape(batch, heads * group, tokens, size);
    }
}

/// <summary>
/// Rotary positions in the half-split layout of Hugging Face's Llama: with d numbers in a head and angles a = t θ^(-2i/d) at position t,
/// <code>
///     x'_i = x_i cos a - x_{i+d/2} sin a          x'_{i+d/2} = x_{i+d/2} cos a + x_i sin a          i &lt; d/2
/// </code>
/// </summary>
/// <remarks>Not a module, because a module would register its tables as buffers.</remarks>
internal sealed class RotaryEmbedding : IDisposable
{
    private Tensor? _cosines;
    private Tensor? _sines;

    /// <summary>Makes the tables when the parameters are allocated.</summary>
    /// <param name="make">Makes the parameters.</param>
    /// <param name="compute">The number type of the tables, which is that of the queries and keys.</param>
    /// <param name="size">d, even.</param>
    /// <param name="context">Number of positions.</param>
    /// <param name="theta">θ.</param>
    public RotaryEmbedding(ParameterFactory make, ScalarType compute, int size, int context, double theta) =>
        make.WhenAllocated(device =>
        {
            using var scope = NewDisposeScope();
            // In float64 until the end: in float32 the angle of a late position has few digits after the decimal point.
            Tensor frequencies = tensor(
                [.. Enumerable.Range(0, size / 2).Select(i => Math.Pow(theta, -2.0 * i / size))], dtype: ScalarType.Float64, device: CPU);
            Tensor angles = arange(0, context, dtype: ScalarType.Float64, device: CPU).outer(frequencies);
            Tensor cosines = angles.cos(), sines = angles.sin();
            _cosines = Table(cosines, cosines);
            _sines = Table(-sines, sines);

            Tensor Table(Tensor first, Tensor second) =>
                cat([first, second], -1).unsqueeze(1).to(compute).to(device).DetachFromDisposeScope();
        });

    /// <summary>Rotates queries and keys.</summary>
    /// <param name="x">Queries or keys, of shape [batch, tokens, heads, d].</param>
    /// <param name="positions">
    /// The tokens' positions, int64, [batch, tokens], or [batch] where each row has one token; null for tokens from position 0 on.
    /// </param>
    /// <returns>A tensor of the same shape, in the caller's dispose scope.</returns>
    public Tensor Rotate(Tensor x, Tensor? positions = null)
    {
        using var scope = NewDisposeScope();
        Tensor[] halves = x.chunk(2, -1);
        // Works on whole heads: halves of narrow heads are too short for vector instructions.
        return (x * Rows(_cosines!, x, positions)).addcmul(cat([halves[1], halves[0]], -1), Rows(_sines!, x, positions), 1)
            .MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        _cosines?.Dispose();
        _sines?.Dispose();
    }

    private static Tensor Rows(Tensor table, Tensor x, Tensor? positions) => positions is null
        ? table.narrow(0, 0, x.shape[1])
        : table.index_select(0, positions.flatten()).view(x.shape[0], x.shape[1], 1, table.shape[2]);
}
