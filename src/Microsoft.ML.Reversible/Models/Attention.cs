using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Models;

/// <summary>
/// Self-attention: softmax(Q Kᵀ / √d + mask) V of every head, then a matrix product. Groups of query heads may share a head of keys and
/// values. In a <see cref="CachePass"/> a token attends to what the pass says.
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
    /// <param name="queryKeyValue">Gives the queries of all heads, then the keys, then the values.</param>
    /// <param name="output">Takes the results of all heads.</param>
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
            // One split, so that the gradients are joined without a further copy.
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
