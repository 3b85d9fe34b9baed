using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Losses;

/// <summary>
/// The linear head and cross-entropy together, some tokens at a time, so that logits of shape [tokens, vocabulary] never
/// exist whole. With logits z = h Wᵀ and target t, in nats:
/// <code>
///     loss = logsumexp(z) - z_t         dz = softmax(z) - onehot(t)         dh = dz W         dW = dzᵀ h
/// </code>
/// </summary>
internal static class ChunkedCrossEntropy
{
    /// <summary>The most logits that a chunk holds, in elements: 64 MiB of float32.</summary>
    private const long ChunkElements = 16 << 20;

    /// <summary>The log-likelihood of each target.</summary>
    /// <param name="hidden">h, of shape [tokens, width].</param>
    /// <param name="weight">W, of shape [vocabulary, width].</param>
    /// <param name="targets">t, int64, of shape [tokens].</param>
    /// <param name="compute">The number type of the matrix products; everything else is float32.</param>
    /// <param name="chunkElements">The most logits that exist at a time.</param>
    /// <returns>Nats, float32, of shape [tokens].</returns>
    public static Tensor LogLikelihood(Tensor hidden, Tensor weight, Tensor targets, ScalarType compute, long chunkElements = ChunkElements)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        Tensor w = weight.to(compute);
        var parts = new List<Tensor>();
        foreach ((long start, long length) in Chunks(hidden.shape[0], weight.shape[0], chunkElements))
        {
            using var chunk = NewDisposeScope();
            Tensor logits = hidden.narrow(0, start, length).to(compute).mm(w.t()).to(ScalarType.Float32);
            Tensor target = targets.narrow(0, start, length).unsqueeze(1);
            parts.Add((logits.gather(1, target).squeeze(1) - logits.logsumexp(1)).MoveToOuterDisposeScope());
        }
        return cat(parts, 0).MoveToOuterDisposeScope();
    }

    /// <summary>The loss summed over the tokens, and the gradients of that sum times <paramref name="scale"/>.</summary>
    /// <param name="hidden">h, float32, of shape [tokens, width].</param>
    /// <param name="weight">W, float32, of shape [vocabulary, width].</param>
    /// <param name="targets">t, int64, of shape [tokens].</param>
    /// <param name="scale">What the gradients are multiplied by, as 1 / tokens for a mean.</param>
    /// <param name="compute">The number type of the matrix products.</param>
    /// <param name="chunkElements">The most logits that exist at a time.</param>
    /// <returns>The sum in nats (a float64 scalar), dh of h's shape and dW of W's shape, both float32.</returns>
    public static (Tensor LossSum, Tensor GradHidden, Tensor GradWeight) Differentiate(
        Tensor hidden, Tensor weight, Tensor targets, double scale, ScalarType compute, long chunkElements = ChunkElements)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        Tensor w = weight.to(compute);
        Tensor gradHidden = empty_like(hidden), gradWeight = zeros_like(weight);
        Tensor sum = zeros(1, dtype: ScalarType.Float64, device: hidden.device);
        foreach ((long start, long length) in Chunks(hidden.shape[0], weight.shape[0], chunkElements))
        {
            using var chunk = NewDisposeScope();
            Tensor h = hidden.narrow(0, start, length).to(compute);
            Tensor target = targets.narrow(0, start, length).unsqueeze(1);
            Tensor logits = h.mm(w.t()).to(ScalarType.Float32);
            Tensor logSum = logits.logsumexp(1, keepdim: true);
            sum.add_((logSum - logits.gather(1, target)).sum(ScalarType.Float64));

            Tensor gradLogits = logits.sub_(logSum).exp_();
            gradLogits.scatter_add_(1, target, full_like(target, -1, dtype: ScalarType.Float32));
            Tensor g = gradLogits.mul_(scale).to(compute);
            gradHidden.narrow(0, start, length).copy_(g.mm(w));
            gradWeight.add_(g.t().mm(h));
        }
        return (sum.MoveToOuterDisposeScope(), gradHidden.MoveToOuterDisposeScope(), gradWeight.MoveToOuterDisposeScope());
    }

    private static IEnumerable<(long Start, long Length)> Chunks(long tokens, long vocabulary, long elements)
    {
        long step = Math.Clamp(elements / vocabulary, 1, tokens);
        for (long start = 0; start < tokens; start += step) yield return (start, Math.Min(step, tokens - start));
    }
}
