using Microsoft.ML.Reversible.Kernels;
using Microsoft.ML.Reversible.Schemes;
using Microsoft.ML.Reversible.Stack;
using TorchSharp;
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

/// <summary>
/// Computes softmax(Q Kᵀ / √d + mask) V. Queries, keys and values are of shape [batch, heads, tokens, d], in the same type.
/// </summary>
internal static class DotProductAttention
{
    /// <summary>
    /// Chooses how attention is computed: where a pass must repeat to the bit, by <see cref="OrderedAttention"/>; where gradients are
    /// differentiated, by <see cref="ComposedAttention"/>; else by libtorch's fused kernels.
    /// </summary>
    /// <param name="query">Q.</param>
    /// <param name="key">K.</param>
    /// <param name="value">V.</param>
    /// <param name="causal">Whether a token attends only to itself and to those before it.</param>
    /// <returns>A tensor of the same shape, in the caller's dispose scope.</returns>
    public static Tensor Of(Tensor query, Tensor key, Tensor value, bool causal = true)
    {
        if (ComposedAttention.IsInUse) return ComposedAttention.Of(query, key, value, causal);
        return query.device_type == DeviceType.CUDA && GraphCuts.Current is { } cuts
            ? cuts.Apply(OrderedAttention.Of(causal), query, key, value)
            : nn.functional.scaled_dot_product_attention(query, key, value, is_casual: causal);
    }
}

/// <summary>
/// Attention as plain operations, whose gradient can be differentiated once more; that of libtorch's fused kernels cannot. It stores the
/// scores of all pairs of tokens.
/// </summary>
internal static class ComposedAttention
{
    [ThreadStatic]
    private static int _uses;

    /// <summary>Whether <see cref="DotProductAttention"/> is computed this way on this thread.</summary>
    public static bool IsInUse => _uses > 0;

    /// <summary>Has attention computed this way on this thread until the result is disposed of.</summary>
    public static IDisposable Use() => new Usage();

    /// <inheritdoc cref="DotProductAttention.Of"/>
    public static Tensor Of(Tensor query, Tensor key, Tensor value, bool causal = true)
    {
        using var scope = NewDisposeScope();
        long tokens = query.shape[2];
        Tensor scores = query.matmul(key.transpose(2, 3)) / Math.Sqrt(query.shape[3]);
        if (causal)
        {
            Tensor later = ones([tokens, tokens], dtype: ScalarType.Bool, device: query.device).triu(1);
            scores = scores.masked_fill(later, double.NegativeInfinity);
        }
        return scores.softmax(-1).matmul(value).MoveToOuterDisposeScope();
    }

    private sealed class Usage : IDisposable
    {
        public Usage() => _uses++;

        public void Dispose() => _uses--;
    }
}

/// <summary>
/// Attention on CUDA whose gradients have the same bits every time. The kernels that libtorch prefers add the parts of the queries'
/// gradient atomically, in any order; its memory-efficient one adds them in order where the keys of a head are not split among blocks of
/// threads, which TorchSharp has no argument for.
/// </summary>
internal sealed class OrderedAttention : ICutFunction
{
    /// <summary>The size of a bfloat16 vector of 16 bytes.</summary>
    private const int HeadSizeMultiple = 8;

    private static readonly OrderedAttention _causal = new(maskType: 1);
    private static readonly OrderedAttention _full = new(maskType: 0);

    private readonly ScriptFunction _forward;
    private readonly ScriptFunction _backward;

    private OrderedAttention(int maskType)
    {
        _forward = new(
            "ordered_attention",
            $"""
            def ordered_attention(query, key, value):
                out, logsumexp, seed, offset, queries, keys = torch._efficient_attention_forward(
                    query, key, value, None, None, None, None, None, 0.0, {maskType}, True)
                return out, logsumexp, seed, offset
            """);
        _backward = new(
            "ordered_attention_backward",
            $"""
            def ordered_attention_backward(gradient, query, key, value, out, logsumexp, seed, offset):
                of_query, of_key, of_value, of_bias = torch._efficient_attention_backward(
                    gradient, query, key, value, None, out, None, None, query.size(1), key.size(1), logsumexp, 0.0, seed, offset,
                    {maskType}, False, num_splits_key=1)
                return of_query, of_key, of_value
            """);
    }

    /// <summary>Returns the causal function, or the one in which every token attends to all.</summary>
    public static OrderedAttention Of(bool causal) => causal ? _causal : _full;

    /// <inheritdoc/>
    /// <exception cref="NotSupportedException">There is no such kernel, or none for heads of this size.</exception>
    public Tensor[] Forward(Tensor[] inputs)
    {
        long size = inputs[0].shape[^1];
        if (size % HeadSizeMultiple != 0)
            throw new NotSupportedException(
                $"Deterministic attention on CUDA needs heads whose size is a multiple of {HeadSizeMultiple}; these have {size}. "
                + "Set Deterministic to false, or Width and HeadCount otherwise.");
        if (_forward.TryInvokeMany([.. inputs.Select(TokensFirst)]) is not [var mixed, .. var kept]) throw Missing();
        return [TokensFirst(mixed), .. kept];
    }

    /// <inheritdoc/>
    public Tensor[] Backward(Tensor gradient, Tensor[] inputs, Tensor[] results)
    {
        Tensor[] arguments = [TokensFirst(gradient), .. inputs.Select(TokensFirst), TokensFirst(results[0]), .. results[1..]];
        Tensor[] gradients = _backward.TryInvokeMany([.. arguments]) ?? throw Missing();
        return [.. gradients.Select(TokensFirst)];
    }

    private static NotSupportedException Missing() =>
        new("This libtorch has no kernel for deterministic attention on this device. Set Deterministic to false.");

    /// <summary>Converts between [batch, heads, tokens, d] and the kernel's [batch, tokens, heads, d].</summary>
    private static Tensor TokensFirst(Tensor x) => x.transpose(1, 2);
}
