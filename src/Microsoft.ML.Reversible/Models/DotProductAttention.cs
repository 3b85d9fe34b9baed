using Microsoft.ML.Reversible.Kernels;
using Microsoft.ML.Reversible.Stack;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Models;

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
