using Microsoft.ML.Reversible.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Language;

/// <summary>
/// Computes the linear heads of a student and its teacher and the <see cref="DistillationLoss"/> between them, chunk by chunk, so that the
/// full logits of shape [tokens, vocabulary] never exist. With the student's z = h Wᵀ, and y = z / T:
/// <code>
///     dz = (1-α) T dD/dy + α (softmax(z) - onehot(target))          dh = dz W          dW = dzᵀ h
/// </code>
/// A soft cap of the logits multiplies dz by its slope.
/// </summary>
/// <remarks>The teacher may be on another device: its hidden states and its head stay there, and each chunk's logits are copied.</remarks>
internal static class ChunkedDivergence
{
    /// <summary>Returns D and dD/dy of a chunk's rows; overwrites y, of shape [rows, vocabulary].</summary>
    private delegate (Tensor Divergence, Tensor Gradient) OfRows(Tensor y, long start, long length, Tensor ignored);

    /// <summary>Returns the loss summed over the tokens, and the gradients of that sum times <paramref name="scale"/>.</summary>
    /// <param name="student">The student; its h and W are float32, or float64 if it computes in float64.</param>
    /// <param name="teacher">The teacher, with the same vocabulary.</param>
    /// <param name="targets">
    /// int64, of shape [tokens]; a token whose target is <see cref="ChunkedCrossEntropy.Ignored"/> has loss and gradient 0.
    /// </param>
    /// <param name="gradWeight">The buffer that the scaled dW is added to, of W's shape and type; null if it is not needed.</param>
    /// <param name="loss">The loss of a token.</param>
    /// <param name="scale">The factor of the gradients, for example 1 / tokens for a mean.</param>
    /// <param name="chunkElements">The maximum number of logits of one model in a chunk.</param>
    /// <returns>The unscaled sum in nats (a float64 scalar), and the scaled dh, of h's shape and type.</returns>
    public static (Tensor LossSum, Tensor GradHidden) Differentiate(
        LinearHead student, LinearHead teacher, Tensor targets, Tensor? gradWeight, DistillationLoss loss, double scale,
        long? chunkElements = null)
    {
        using var scope = NewDisposeScope();
        LinearHead ready = teacher.Ready();
        (Tensor sum, Tensor gradHidden) = Differentiate(student, targets, gradWeight, loss, scale, chunkElements, OfTeacher);
        return (sum.MoveToOuterDisposeScope(), gradHidden.MoveToOuterDisposeScope());

        (Tensor Divergence, Tensor Gradient) OfTeacher(Tensor y, long start, long length, Tensor ignored)
        {
            Tensor ofTeacher = ready.Logits(ready.Chunk(start, length, ignored)).to(y).div_(loss.Temperature);
            return loss.Differentiate(LogSoftmax(y), LogSoftmax(ofTeacher));
        }
    }

    /// <summary>Returns the same for a teacher known only by its most likely tokens at the loss's temperature.</summary>
    /// <inheritdoc cref="Differentiate(LinearHead, LinearHead, Tensor, Tensor, DistillationLoss, double, long?)"/>
    public static (Tensor LossSum, Tensor GradHidden) Differentiate(
        LinearHead student, TopLogits teacher, Tensor targets, Tensor? gradWeight, DistillationLoss loss, double scale,
        long? chunkElements = null) =>
        Differentiate(
            student, targets, gradWeight, loss, scale, chunkElements,
            (y, start, length, _) => teacher.Chunk(start, length).Differentiate(y, loss));

    private static (Tensor LossSum, Tensor GradHidden) Differentiate(
        LinearHead student, Tensor targets, Tensor? gradWeight, DistillationLoss loss, double scale, long? chunkElements, OfRows ofRows)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        student = student.Ready();
        Tensor gradHidden = empty_like(student.Hidden);
        Tensor sum = zeros(1, dtype: ScalarType.Float64, device: gradHidden.device);
        foreach ((long start, long length) in Chunks(student, chunkElements))
        {
            using var chunk = NewDisposeScope();
            (Tensor target, Tensor ignored) = ChunkedCrossEntropy.Targets(targets, start, length);
            Tensor h = student.Chunk(start, length, ignored), logits = student.Logits(h);
            Tensor? slope = student.Cap is { } cap ? SoftCap.Slope(logits, cap) : null;
            Tensor y = loss.CrossEntropyWeight > 0 ? logits / loss.Temperature : logits.div_(loss.Temperature);
            (Tensor each, Tensor gradLogits) = ofRows(y, start, length, ignored);
            each.mul_((1 - loss.CrossEntropyWeight) * loss.Temperature * loss.Temperature);
            gradLogits.mul_((1 - loss.CrossEntropyWeight) * loss.Temperature);
            if (loss.CrossEntropyWeight > 0) AddCrossEntropy(loss.CrossEntropyWeight, logits, target, each, gradLogits);
            if (slope is not null) gradLogits.mul_(slope);
            sum.add_(each.masked_fill_(ignored, 0).sum(ScalarType.Float64));

            Tensor gradRows = gradHidden.narrow(0, start, length);
            LinearHead.Backward(gradLogits.to(student.Compute), h, student.Weight, gradRows, gradWeight, scale);
            gradRows.masked_fill_(ignored, 0);
        }
        return (sum.MoveToOuterDisposeScope(), gradHidden.MoveToOuterDisposeScope());
    }

    /// <summary>Measures the student's distance from the teacher at temperature 1, in float64 from the logits on.</summary>
    /// <inheritdoc cref="Differentiate(LinearHead, LinearHead, Tensor, Tensor, DistillationLoss, double, long?)" path="/param"/>
    public static DivergenceSums Measure(LinearHead student, LinearHead teacher, Tensor targets, long? chunkElements = null)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        (student, teacher) = (student.Ready(), teacher.Ready());
        Tensor sums = zeros(5, dtype: ScalarType.Float64, device: student.Hidden.device);
        foreach ((long start, long length) in Chunks(student, chunkElements ?? Elements(student) / 2))
        {
            using var chunk = NewDisposeScope();
            (Tensor target, Tensor ignored) = ChunkedCrossEntropy.Targets(targets, start, length);
            Tensor s = LogProbabilities(student, start, length, ignored), t = LogProbabilities(teacher, start, length, ignored).to(s);
            Tensor agree = s.argmax(1, keepdim: true).eq(t.argmax(1, keepdim: true)).to(s.dtype);
            Tensor ofStudent = s.gather(1, target), ofTeacher = t.gather(1, target);
            Tensor kl = t.exp().mul_(t.sub_(s)).sum(1, keepdim: true);
            sums.add_(cat([kl, agree, ofStudent, ofTeacher, ones_like(kl)], 1).masked_fill_(ignored, 0).sum(dim: 0));
        }
        double[] sum = sums.cpu().data<double>().ToArray();
        return new(sum[0], (long)sum[1], sum[2], sum[3], (long)sum[4]);
    }

    /// <summary>Adds α times the cross-entropy to the rows' losses and to dz. Overwrites the logits.</summary>
    private static void AddCrossEntropy(double alpha, Tensor logits, Tensor target, Tensor each, Tensor gradLogits)
    {
        Tensor logProbabilities = LogSoftmax(logits);
        each.add_(logProbabilities.gather(1, target), -alpha);
        gradLogits.add_(logProbabilities.exp_(), alpha);
        gradLogits.scatter_add_(1, target, full_like(target, -alpha, dtype: gradLogits.dtype));
    }

    private static Tensor LogProbabilities(LinearHead head, long start, long length, Tensor ignored) =>
        LogSoftmax(head.Logits(head.Chunk(start, length, ignored)).to(ScalarType.Float64));

    /// <summary>Returns the log-softmax of each row in one pass, and disposes of the argument.</summary>
    internal static Tensor LogSoftmax(Tensor logits)
    {
        Tensor result = logits.log_softmax(1);
        logits.Dispose();
        return result;
    }

    internal static IEnumerable<(long Start, long Length)> Chunks(LinearHead head, long? elements = null) =>
        LogitChunks.Of(head.Hidden.shape[0], head.Weight.shape[0], elements ?? Elements(head));

    /// <summary>
    /// Returns the maximum number of logits of one model in a chunk: 32 MiB of float32 on the CPU. On CUDA, where each chunk costs a pass
    /// over dW, it is 128 MiB; about six tensors of that size exist at once.
    /// </summary>
    private static long Elements(LinearHead head) => head.Hidden.device_type == DeviceType.CUDA ? 32 << 20 : 8 << 20;
}

/// <summary>A student's distance from its teacher, at temperature 1, summed over the tokens whose targets are not ignored.</summary>
/// <param name="Kl">KL(teacher‖student), nats.</param>
/// <param name="Agreements">The number of tokens for which both have the same most likely next token.</param>
/// <param name="StudentLogLikelihood">The student's log-likelihood of the targets, nats.</param>
/// <param name="TeacherLogLikelihood">The teacher's log-likelihood of the targets, nats.</param>
/// <param name="Tokens">The number of targets that are not ignored.</param>
internal readonly record struct DivergenceSums(
    double Kl, long Agreements, double StudentLogLikelihood, double TeacherLogLikelihood, long Tokens)
{
    /// <summary>Returns the sums over the tokens of both.</summary>
    public static DivergenceSums operator +(DivergenceSums a, DivergenceSums b) => new(
        a.Kl + b.Kl, a.Agreements + b.Agreements, a.StudentLogLikelihood + b.StudentLogLikelihood,
        a.TeacherLogLikelihood + b.TeacherLogLikelihood, a.Tokens + b.Tokens);
}
