using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Losses;

/// <summary>
/// The linear head and cross-entropy together, some tokens at a time, so that logits of shape [tokens, vocabulary] never
/// exist whole. With logits z = h Wᵀ and target t, in nats:
/// <code>
///     loss = logsumexp(z) - (1-ε) z_t - ε mean(z)       dz = softmax(z) - (1-ε) onehot(t) - ε / V       dh = dz W       dW = dzᵀ h
/// </code>
/// ε is label smoothing over a vocabulary of V: the loss is (1-ε) times that of the target and ε times the mean over all tokens.
/// </summary>
internal static class ChunkedCrossEntropy
{
    /// <summary>The most logits that a chunk holds, in elements: 64 MiB of float32.</summary>
    internal const long ChunkElements = 16 << 20;

    /// <summary>A target that does not count: its loss and gradients are 0, whatever its hidden state.</summary>
    public const long Ignored = -100;

    /// <summary>The log-likelihood of each target, 0 where it is <see cref="Ignored"/>.</summary>
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
            (Tensor target, Tensor ignored) = Targets(targets, start, length);
            Tensor each = logits.gather(1, target) - logits.logsumexp(1, keepdim: true);
            parts.Add(each.masked_fill_(ignored, 0).squeeze(1).MoveToOuterDisposeScope());
        }
        return cat(parts, 0).MoveToOuterDisposeScope();
    }

    /// <summary>The loss summed over the tokens, and the gradients of that sum times <paramref name="scale"/>.</summary>
    /// <param name="hidden">h, float32, of shape [tokens, width].</param>
    /// <param name="weight">W, float32, of shape [vocabulary, width].</param>
    /// <param name="targets">t, int64, of shape [tokens].</param>
    /// <param name="gradWeight">What the scaled dW is added to, float32, of W's shape; null where nobody needs it.</param>
    /// <param name="scale">What the gradients are multiplied by, as 1 / tokens for a mean.</param>
    /// <param name="labelSmoothing">ε, within [0, 1).</param>
    /// <param name="compute">The number type of the matrix products.</param>
    /// <param name="chunkElements">The most logits that exist at a time.</param>
    /// <returns>The unscaled sum in nats (a float64 scalar), and the scaled dh, float32, of h's shape.</returns>
    public static (Tensor LossSum, Tensor GradHidden) Differentiate(
        Tensor hidden, Tensor weight, Tensor targets, Tensor? gradWeight, double scale, double labelSmoothing, ScalarType compute,
        long chunkElements = ChunkElements)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        Tensor w = weight.to(compute);
        Tensor gradHidden = empty_like(hidden);
        Tensor sum = zeros(1, dtype: ScalarType.Float64, device: hidden.device);
        foreach ((long start, long length) in Chunks(hidden.shape[0], weight.shape[0], chunkElements))
        {
            using var chunk = NewDisposeScope();
            (Tensor target, Tensor ignored) = Targets(targets, start, length);
            // With h = 0 an ignored token adds nothing to dW, and nothing of it is NaN; a pass over h costs less than one over dz.
            Tensor h = hidden.narrow(0, start, length).masked_fill(ignored, 0).to(compute);
            Tensor logits = h.mm(w.t()).to(ScalarType.Float32);
            Tensor logSum = logits.logsumexp(1, keepdim: true);
            sum.add_(Loss(logits, logSum, target, labelSmoothing).masked_fill_(ignored, 0).sum(ScalarType.Float64));

            Tensor gradLogits = GradLogits(logits, logSum, target, labelSmoothing).to(compute);
            gradHidden.narrow(0, start, length).copy_(gradLogits.mm(w)).mul_(scale).masked_fill_(ignored, 0);
            if (gradWeight is null) continue;
            if (gradWeight.dtype == compute) gradWeight.addmm_(gradLogits.t(), h, alpha: (float)scale);
            else gradWeight.add_(gradLogits.t().mm(h), scale);
        }
        return (sum.MoveToOuterDisposeScope(), gradHidden.MoveToOuterDisposeScope());
    }

    private static Tensor Loss(Tensor logits, Tensor logSum, Tensor target, double smoothing)
    {
        Tensor ofTarget = logSum - logits.gather(1, target);
        if (smoothing == 0) return ofTarget;
        Tensor ofAll = logSum - logits.mean([1], keepdim: true);
        return ofTarget.mul_(1 - smoothing).add_(ofAll, smoothing);
    }

    /// <summary>dz, in the place of the logits.</summary>
    private static Tensor GradLogits(Tensor logits, Tensor logSum, Tensor target, double smoothing)
    {
        Tensor gradLogits = logits.sub_(logSum).exp_();
        if (smoothing > 0) gradLogits.sub_(smoothing / logits.shape[1]);
        return gradLogits.scatter_add_(1, target, full_like(target, smoothing - 1, dtype: ScalarType.Float32));
    }

    /// <summary>A chunk's targets, of shape [length, 1], with a legal one where one is ignored, and where that is.</summary>
    internal static (Tensor Target, Tensor Ignored) Targets(Tensor targets, long start, long length)
    {
        Tensor target = targets.narrow(0, start, length).unsqueeze(1), ignored = target.eq(Ignored);
        return (target.masked_fill(ignored, 0), ignored);
    }

    /// <summary>Consecutive tokens whose logits together are at most so many elements, or one token.</summary>
    internal static IEnumerable<(long Start, long Length)> Chunks(long tokens, long vocabulary, long elements)
    {
        long step = Math.Clamp(elements / vocabulary, 1, tokens);
        for (long start = 0; start < tokens; start += step) yield return (start, Math.Min(step, tokens - start));
    }
}
