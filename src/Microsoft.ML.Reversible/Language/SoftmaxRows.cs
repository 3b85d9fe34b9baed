using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Language;

/// <summary>The softmax of each row of logits, with the target's logit and log-likelihood for cross-entropy.</summary>
/// <param name="Probabilities">softmax(z), of z's type and shape; 0 in the padding after the vocabulary.</param>
/// <param name="Vocabulary">The number of logits of a row; the elements after them are padding of the head.</param>
/// <param name="Target">z_t, of shape [rows, 1], at least float32.</param>
/// <param name="NegativeLogLikelihood">
/// -log softmax(z)_t, nats, of the same shape and type; ∞ if it is above 87, because bfloat16 cannot represent the probability.
/// </param>
internal readonly record struct SoftmaxRows(Tensor Probabilities, long Vocabulary, Tensor Target, Tensor NegativeLogLikelihood)
{
    /// <summary>The number of tokens, in addition to the target, whose logits give the normalizer (the witnesses).</summary>
    private const long Witnesses = 64;

    private const double SmallestNormal = 1.1754943508222875e-38;

    /// <summary>Computes the softmax; overwrites or disposes of the logits.</summary>
    /// <param name="logits">z, of shape [rows, vocabulary and padding].</param>
    /// <param name="target">t, int64, of shape [rows, 1].</param>
    /// <param name="vocabulary">The number of logits of a row without padding; null for all.</param>
    public static SoftmaxRows Of(Tensor logits, Tensor target, long? vocabulary = null)
    {
        long all = logits.shape[1], count = vocabulary ?? all;
        if (count < all) logits.narrow(1, count, all - count).fill_(double.NegativeInfinity);
        return logits.dtype is ScalarType.BFloat16 ? Rounded(logits, target, count) : Exact(logits, target, count);
    }

    /// <summary>Returns dz of cross-entropy with label smoothing ε; overwrites the probabilities.</summary>
    public Tensor GradLogits(Tensor target, double smoothing)
    {
        double share = smoothing / Vocabulary;
        // p_t - 1, computed without cancellation.
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
    /// Computes the softmax of bfloat16 logits. One kernel reads z and writes p = softmax(z), with float32 inside and one rounding; a
    /// separate float32 pass over all logits would move as many bytes as everything else. The kernel does not return its normalizer, but
    /// z_j - log p_j gives it for any j, except for the rounding of p_j. That error is at most 2^-8 and unbiased, so the mean over the
    /// target and some tokens spread over the vocabulary is accurate to about 2e-4. From p_t alone, a token with a probability above 1 -
    /// 2^-9 would have loss -log p_t = 0 and gradient p_t - 1 = 0.
    /// </summary>
    private static SoftmaxRows Rounded(Tensor logits, Tensor target, long vocabulary)
    {
        // The CPU's kernel rounds between its steps, so it gets float32.
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
