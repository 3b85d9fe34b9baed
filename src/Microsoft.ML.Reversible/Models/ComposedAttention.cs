using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Models;

/// <summary>
/// Causal attention as plain operations, whose gradient can be differentiated once more; that of libtorch's fused kernels cannot. It keeps
/// the scores of all pairs of tokens.
/// </summary>
internal static class ComposedAttention
{
    [ThreadStatic]
    private static int _uses;

    /// <summary>Whether <see cref="CausalAttention"/> is computed this way on this thread.</summary>
    public static bool IsInUse => _uses > 0;

    /// <summary>Has attention computed this way on this thread until the result is disposed.</summary>
    public static IDisposable Use() => new Usage();

    /// <summary>softmax(Q Kᵀ / √d + mask) V.</summary>
    /// <param name="query">Q, of shape [batch, heads, tokens, d].</param>
    /// <param name="key">K, of the same shape.</param>
    /// <param name="value">V, of the same shape.</param>
    /// <returns>Of the same shape, in the caller's dispose scope.</returns>
    public static Tensor Of(Tensor query, Tensor key, Tensor value)
    {
        using var scope = NewDisposeScope();
        long tokens = query.shape[2];
        Tensor later = ones([tokens, tokens], dtype: ScalarType.Bool, device: query.device).triu(1);
        Tensor scores = query.matmul(key.transpose(2, 3)) / Math.Sqrt(query.shape[3]);
        return scores.masked_fill(later, double.NegativeInfinity).softmax(-1).matmul(value).MoveToOuterDisposeScope();
    }

    private sealed class Usage : IDisposable
    {
        public Usage() => _uses++;

        public void Dispose() => _uses--;
    }
}
