using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Models;

/// <summary>
/// Causal attention on CUDA whose gradients have the same bits every time. The kernels that libtorch prefers add the parts of the queries'
/// gradient atomically, in whatever order they come; its memory-efficient one adds them in order where the keys of a head are not split
/// among blocks of threads, which TorchSharp has no argument for.
/// </summary>
internal sealed class OrderedAttention : ICutFunction
{
    private static readonly ScriptFunction ForwardFunction = new(
        "ordered_attention",
        """
        def ordered_attention(query, key, value):
            out, logsumexp, seed, offset, queries, keys = torch._efficient_attention_forward(
                query, key, value, None, None, None, None, None, 0.0, 1, True)
            return out, logsumexp, seed, offset
        """);

    private static readonly ScriptFunction BackwardFunction = new(
        "ordered_attention_backward",
        """
        def ordered_attention_backward(gradient, query, key, value, out, logsumexp, seed, offset):
            of_query, of_key, of_value, of_bias = torch._efficient_attention_backward(
                gradient, query, key, value, None, out, None, None, query.size(1), key.size(1), logsumexp, 0.0, seed, offset, 1, False,
                num_splits_key=1)
            return of_query, of_key, of_value
        """);

    /// <summary>What bfloat16 vectors of 16 bytes ask for.</summary>
    private const int HeadSizeMultiple = 8;

    private OrderedAttention()
    {
    }

    public static OrderedAttention Instance { get; } = new();

    /// <inheritdoc/>
    /// <exception cref="NotSupportedException">There is no such kernel, or none for heads of this size.</exception>
    public Tensor[] Forward(Tensor[] inputs)
    {
        long size = inputs[0].shape[^1];
        if (size % HeadSizeMultiple != 0)
            throw new NotSupportedException(
                $"Deterministic attention on CUDA needs heads whose size is a multiple of {HeadSizeMultiple}; these have {size}. "
                + "Set Deterministic to false, or Width and HeadCount otherwise.");
        if (ForwardFunction.TryInvokeMany([.. inputs.Select(TokensFirst)]) is not [var mixed, .. var kept]) throw Missing();
        return [TokensFirst(mixed), .. kept];
    }

    /// <inheritdoc/>
    public Tensor[] Backward(Tensor gradient, Tensor[] inputs, Tensor[] results)
    {
        Tensor[] arguments = [TokensFirst(gradient), .. inputs.Select(TokensFirst), TokensFirst(results[0]), .. results[1..]];
        Tensor[] gradients = BackwardFunction.TryInvokeMany([.. arguments]) ?? throw Missing();
        return [.. gradients.Select(TokensFirst)];
    }

    private static NotSupportedException Missing() =>
        new("This libtorch has no kernel for deterministic attention on this device. Set Deterministic to false.");

    /// <summary>Between [batch, heads, tokens, d] and the kernel's [batch, tokens, heads, d].</summary>
    private static Tensor TokensFirst(Tensor x) => x.transpose(1, 2);
}
