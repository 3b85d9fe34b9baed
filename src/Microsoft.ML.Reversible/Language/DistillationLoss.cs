using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Language;

/// <summary>
/// A student's loss for a token, in nats. z are its logits, T is the temperature, and D is the divergence between its softmax s and its
/// teacher's softmax t at T:
/// <code>
///     loss = (1-α) T² D + α (logsumexp(z) - z_target)                              y = z / T      dD/dz = (dD/dy) / T
///
///     forward KL       D = Σ t log(t / s)                                          dD/dy = s - t
///     reverse KL       D = Σ s log(s / t)                                          dD/dy = s (log(s / t) - D)
///     Jensen-Shannon   D = β Σ t log(t / m) + (1-β) K,   K = Σ s log(s / m)        dD/dy = (1-β) s (log(s / m) - K)
///                      m = β t + (1-β) s
/// </code>
/// The factor T² keeps the gradient about as large as at T = 1.
/// </summary>
/// <param name="Divergence">D.</param>
/// <param name="Temperature">T, positive.</param>
/// <param name="CrossEntropyWeight">α, within [0, 1].</param>
/// <param name="JensenShannonWeight">β, within (0, 1).</param>
internal sealed record DistillationLoss(
    Divergence Divergence = Divergence.ForwardKl, double Temperature = 1, double CrossEntropyWeight = 0, double JensenShannonWeight = 0.5)
{
    /// <summary>Returns D and dD/dy of every row. Overwrites both arguments.</summary>
    /// <param name="student">log s, of shape [rows, classes].</param>
    /// <param name="teacher">log t, of the same shape.</param>
    /// <returns>D of shape [rows, 1], and dD/dy of shape [rows, classes].</returns>
    public (Tensor Divergence, Tensor Gradient) Differentiate(Tensor student, Tensor teacher) => Divergence switch
    {
        Divergence.ReverseKl => ReverseKl(student, teacher),
        Divergence.JensenShannon => JensenShannon(student, teacher, JensenShannonWeight),
        _ => ForwardKl(student, teacher),
    };

    private static (Tensor Divergence, Tensor Gradient) ForwardKl(Tensor student, Tensor teacher)
    {
        Tensor t = teacher.exp();
        Tensor each = teacher.sub_(student).mul_(t);
        Tensor gradient = student.exp_().sub_(t);
        // The gradient's sum is 0 except for the rounding of log s and log t; adding it cancels that rounding, which would distort a small
        // divergence.
        return (each.sum(1, keepdim: true).add_(gradient.sum(1, keepdim: true)), gradient);
    }

    private static (Tensor Divergence, Tensor Gradient) ReverseKl(Tensor student, Tensor teacher)
    {
        Tensor ratio = teacher.neg_().add_(student);
        Tensor s = student.exp_();
        Tensor divergence = (s * ratio).sum(1, keepdim: true);
        return (divergence, ratio.sub_(divergence).mul_(s));
    }

    private static (Tensor Divergence, Tensor Gradient) JensenShannon(Tensor student, Tensor teacher, double weight)
    {
        // log m is computed from its larger term, since m itself would underflow where both are small.
        Tensor one = teacher + Math.Log(weight), other = student + Math.Log(1 - weight);
        Tensor m = one.maximum(other);
        m.add_(one.sub_(other).abs_().neg_().exp_().log1p());

        Tensor t = teacher.exp();
        Tensor fromTeacher = teacher.sub_(m).mul_(t).sum(1, keepdim: true);
        Tensor ratio = m.neg_().add_(student);
        Tensor s = student.exp_();
        Tensor fromStudent = (s * ratio).sum(1, keepdim: true);
        return (fromTeacher * weight + fromStudent * (1 - weight), ratio.sub_(fromStudent).mul_(s).mul_(1 - weight));
    }
}
