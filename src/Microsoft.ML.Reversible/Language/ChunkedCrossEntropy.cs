using Microsoft.ML.Reversible.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Language;

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
    /// <summary>The most logits that a chunk holds where no gradients are wanted: 64 MiB of float32.</summary>
    private const long LikelihoodElements = 16 << 20;

    /// <summary>A target that does not count: its loss and gradients are 0, whatever its hidden state.</summary>
    public const long Ignored = TokenBatch.Ignored;

    /// <summary>The log-likelihood of each target, 0 where it is <see cref="Ignored"/>.</summary>
    /// <param name="hidden">h, of shape [tokens, width].</param>
    /// <param name="weight">W, of shape [vocabulary, width].</param>
    /// <param name="targets">t, int64, of shape [tokens].</param>
    /// <param name="compute">The number type of the matrix products; everything else is float32.</param>
    /// <param name="chunkElements">The most logits that exist at a time.</param>
    /// <returns>Nats, float32, of shape [tokens].</returns>
    public static Tensor LogLikelihood(Tensor hidden, Tensor weight, Tensor targets, ScalarType compute, long? chunkElements = null)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        Tensor w = weight.to(compute);
        var parts = new List<Tensor>();
        foreach ((long start, long length) in LogitChunks.Of(hidden.shape[0], weight.shape[0], chunkElements ?? LikelihoodElements))
        {
            using var chunk = NewDisposeScope();
            Tensor logits = hidden.narrow(0, start, length).to(compute).mm(w.t()).to(ScalarType.Float32);
            (Tensor target, Tensor ignored) = Targets(targets, start, length);
            Tensor each = logits.log_softmax(1).gather(1, target);
            parts.Add(each.masked_fill_(ignored, 0).squeeze(1).MoveToOuterDisposeScope());
        }
        return cat(parts, 0).MoveToOuterDisposeScope();
    }

    /// <summary>The loss summed over the tokens, and the gradients of that sum times <paramref name="scale"/>.</summary>
    /// <param name="hidden">h, of shape [tokens, width], float32 or of the type of the matrix products.</param>
    /// <param name="weight">W, float32, of shape [vocabulary, width].</param>
    /// <param name="targets">t, int64, of shape [tokens].</param>
    /// <param name="gradWeight">The buffer that the scaled dW is added to, float32, of W's shape; null where it is not needed.</param>
    /// <param name="scale">What the gradients are multiplied by, as 1 / tokens for a mean; not 0.</param>
    /// <param name="labelSmoothing">ε, within [0, 1).</param>
    /// <param name="compute">
    /// The number type of the matrix products. With bfloat16 the logits exist in bfloat16 only; a token's loss is accurate to about 2e-4
    /// for these logits, and the mean over many tokens more accurate.
    /// </param>
    /// <param name="chunkElements">The most logits that exist at a time; null takes the device's default.</param>
    /// <returns>The unscaled sum in nats (a float64 scalar), and the scaled dh, of h's shape and type.</returns>
    public static (Tensor LossSum, Tensor GradHidden) Differentiate(
        Tensor hidden, Tensor weight, Tensor targets, Tensor? gradWeight, double scale, double labelSmoothing, ScalarType compute,
        long? chunkElements = null)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        Tensor w = LinearHead.Aligned(weight, compute);
        Tensor? mean = labelSmoothing > 0 ? weight.mean([0], keepdim: true) : null;
        Tensor gradHidden = empty_like(hidden);
        Tensor sum = zeros(1, dtype: ScalarType.Float64, device: hidden.device);
        long elements = chunkElements ?? LogitChunks.Elements(hidden.device, compute, weight.shape[0]);
        foreach ((long start, long length) in LogitChunks.Of(hidden.shape[0], weight.shape[0], elements))
        {
            using var chunk = NewDisposeScope();
            (Tensor target, Tensor ignored) = Targets(targets, start, length);
            // With h = 0 an ignored token adds nothing to dW and gives no NaN; a pass over h costs less than one over dz.
            Tensor h = hidden.narrow(0, start, length).masked_fill(ignored, 0).to(compute);
            SoftmaxRows rows = SoftmaxRows.Of(h.mm(w.t()), target, weight.shape[0]);
            Tensor gradLogits = rows.GradLogits(target, labelSmoothing), gradRows = gradHidden.narrow(0, start, length);
            LinearHead.Backward(gradLogits, h, w, gradRows, gradWeight, scale);
            sum.add_(Loss(rows, h, mean, labelSmoothing, gradRows, scale).masked_fill_(ignored, 0).sum(ScalarType.Float64));
            gradRows.masked_fill_(ignored, 0);
        }
        return (sum.MoveToOuterDisposeScope(), gradHidden.MoveToOuterDisposeScope());
    }

    /// <summary>The rows' losses, of shape [rows, 1].</summary>
    private static Tensor Loss(SoftmaxRows rows, Tensor h, Tensor? meanWeight, double smoothing, Tensor gradRows, double scale)
    {
        Tensor loss = rows.NegativeLogLikelihood;
        // mean(z) = h mean(W), without a pass over the logits.
        if (meanWeight is not null) loss = loss + (rows.Target - (h * meanWeight).sum(1, keepdim: true)).mul_(smoothing);
        if (rows.Probabilities.dtype != ScalarType.BFloat16) return loss;
        // Where the normalizer cannot be computed from any witness: h·dh = Σ z dz is the loss minus the softmax's entropy. The entropy is
        // at most log V, while the loss is 87 nats or more, and it is about 0 where logits are that far apart.
        return torch.where(loss.isinf(), (h * gradRows).sum(1, keepdim: true, ScalarType.Float32).div_(scale), loss);
    }

    /// <summary>Returns a chunk's targets, of shape [length, 1], 0 where they are ignored, and the mask of the ignored ones.</summary>
    internal static (Tensor Target, Tensor Ignored) Targets(Tensor targets, long start, long length)
    {
        Tensor target = targets.narrow(0, start, length).unsqueeze(1), ignored = target.eq(Ignored);
        return (target.masked_fill(ignored, 0), ignored);
    }
}
