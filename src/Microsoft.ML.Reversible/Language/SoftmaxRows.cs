using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Language;

/// <summary>The softmax of each row of logits, with the target's logit and log-likelihood for cross-entropy.</summary>
/// <param name="Probabilities">softmax(z), of z's type and shape; 0 behind the vocabulary.</param>
/// <param name="Vocabulary">How many logits of a row count; those behind them belong to padding of the head.</param>
/// <param name="Target">z_t, of shape [rows, 1], at least float32.</param>
/// <param name="NegativeLogLikelihood">
/// -log softmax(z)_t, nats, of the same shape and type; ∞ where it is above 87 and bfloat16 cannot represent the probability.
/// </param>
internal readonly record struct SoftmaxRows(Tensor Probabilities, long Vocabulary, Tensor Target, Tensor NegativeLogLikelihood)
{
    /// <summary>The number of tokens of the vocabulary from which the normalizer is computed, beside the target.</summary>
    private const long Witnesses = 64;

    private const double SmallestNormal = 1.1754943508222875e-38;

    /// <summary>Computes the softmax; overwrites or disposes of the logits.</summary>
    /// <param name="logits">z, of shape [rows, vocabulary and padding].</param>
    /// <param name="target">t, int64, of shape [rows, 1].</param>
    /// <param name="vocabulary">How many logits of a row count; null for all.</param>
    public static SoftmaxRows Of(Tensor logits, Tensor target, long? vocabulary = null)
    {
        long all = logits.shape[1], count = vocabulary ?? all;
        if (count < all) logits.narrow(1, count, all - count).fill_(double.NegativeInfinity);
        return logits.dtype is ScalarType.BFloat16 ? Rounded(logits, target, count) : Exact(logits, target, count);
    }

    /// <summary>dz of cross-entropy with label smoothing ε, in the place of the probabilities.</summary>
    public Tensor GradLogits(Tensor target, double smoothing)
    {
        double share = smoothing / Vocabulary;
        // p_t - 1 without the cancellation.
        Tensor ofTarget = NegativeLogLikelihood.neg().expm1().add_(smoothing - share).to(Probabilities.dtype);
        if (smoothing > 0) Probabilities.narrow(1, 0, Vocabulary).sub_(share);
        return Probabilities.scatter_(1, target, ofTarget);
    }

    private static SoftmaxRows Exact(Tensor logits, Tensor target, long vocabulary)
    {
        Tensor ofTarget = logits.gather(1, target), logProbabilities = logits.log_softmax(1);
        logits.Dispose();
        Tensor negative = logProbabilities.gather(1, target).neg();
        return new(logProbabilities.exp_(), vocabulary, ofTarget, negative);
    }

    /// <summary>
    /// One kernel reads z and writes p = softmax(z), with float32 inside and one rounding; a step in float32 over all logits would move as
    /// many bytes as everything else. The kernel does not return its normalizer, which is z_j - log p_j for any j, except for the rounding
    /// of p_j. That is at most 2^-8 and as often up as down, so the mean over the target and some tokens spread over the vocabulary is
    /// accurate to about 2e-4. With -log p_t alone, a token whose probability is above 1 - 2^-9 would have a loss of 0, and with p_t - 1
    /// no gradient.
    /// </summary>
    private static SoftmaxRows Rounded(Tensor logits, Tensor target, long vocabulary)
    {
        // The kernel for the CPU rounds between its steps.
        Tensor p = logits.device_type == DeviceType.CUDA ? logits.softmax(1) : logits.softmax(1, ScalarType.Float32).to(logits.dtype);
        long rows = logits.shape[0], witnesses = Math.Min(Witnesses, vocabulary);
        long step = vocabulary / witnesses;
        Tensor spread = arange(0, witnesses * step, step, dtype: ScalarType.Int64, device: logits.device);
        Tensor at = cat([spread.expand(rows, witnesses), target], 1);
        Tensor z = logits.gather(1, at).to(ScalarType.Float32), ofWitnesses = p.gather(1, at).to(ScalarType.Float32);
        logits.Dispose();

        Tensor vanished = ofWitnesses.lt(SmallestNormal);
        Tensor ofTarget = z.narrow(1, witnesses, 1);
        Tensor sum = (z - ofWitnesses.log_()).sub_(ofTarget).masked_fill_(vanished, 0).sum(1, keepdim: true);
        Tensor left = vanished.sum(1, keepdim: true, ScalarType.Float32).neg_().add_(witnesses + 1);
        return new(p, vocabulary, ofTarget, sum.div_(left).masked_fill_(left.eq(0), double.PositiveInfinity));
    }
}
