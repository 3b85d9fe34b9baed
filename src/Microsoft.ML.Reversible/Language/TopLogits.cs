using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Language;

/// <summary>
/// A teacher's distribution at temperature T, reduced to its k most likely tokens i and one class r for all others. A student with logits z
/// is compared on these k + 1 classes:
/// <code>
///     y = z / T      y_r = logsumexp of y over the others      s = softmax(y_i, y_r)
///
///     dD/dy of a likely token = dD/dy_i        dD/dy of another token j = exp(y_j - y_r) dD/dy_r
/// </code>
/// Joining classes cannot increase D, so it is at most the D of the full distributions. With k = vocabulary there is no r, and D is the
/// same.
/// </summary>
/// <param name="Ids">i, int64, of shape [tokens, k].</param>
/// <param name="LogProbabilities">log t, float32 or float64, of shape [tokens, k + 1], or [tokens, k] with k = vocabulary.</param>
internal readonly record struct TopLogits(Tensor Ids, Tensor LogProbabilities)
{
    /// <summary>Returns a teacher's most likely tokens, on its device. Its logits are computed chunk by chunk.</summary>
    /// <param name="teacher">The teacher.</param>
    /// <param name="temperature">T.</param>
    /// <param name="k">k, at most the vocabulary.</param>
    public static TopLogits Of(LinearHead teacher, double temperature, int k)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        teacher = teacher.Ready();
        Tensor none = zeros([1, 1], dtype: ScalarType.Bool, device: teacher.Hidden.device);
        List<Tensor> ids = [], logProbabilities = [];
        foreach ((long start, long length) in ChunkedDivergence.Chunks(teacher))
        {
            using var chunk = NewDisposeScope();
            Tensor all = ChunkedDivergence.LogSoftmax(teacher.Logits(teacher.Chunk(start, length, none)).div_(temperature));
            (Tensor top, Tensor at) = all.topk(k, 1);
            ids.Add(at.MoveToOuterDisposeScope());
            logProbabilities.Add(Classes(top, all, at).Values.MoveToOuterDisposeScope());
        }
        return new(cat(ids, 0).MoveToOuterDisposeScope(), cat(logProbabilities, 0).MoveToOuterDisposeScope());
    }

    /// <summary>Returns the part for a range of tokens.</summary>
    public TopLogits Chunk(long start, long length) => new(Ids.narrow(0, start, length), LogProbabilities.narrow(0, start, length));

    /// <summary>Returns D and dD/dy of every row.</summary>
    /// <param name="y">The student's, of shape [tokens, vocabulary]; overwritten.</param>
    /// <param name="loss">D.</param>
    /// <returns>D of shape [tokens, 1], and dD/dy of y's shape.</returns>
    public (Tensor Divergence, Tensor Gradient) Differentiate(Tensor y, DistillationLoss loss)
    {
        long k = Ids.shape[1];
        (Tensor classes, Tensor? rest) = Classes(y.gather(1, Ids), y, Ids);
        // A copy, because it is overwritten.
        Tensor teacher = LogProbabilities.to(y.dtype, copy: true);
        (Tensor divergence, Tensor gradient) = loss.Differentiate(ChunkedDivergence.LogSoftmax(classes), teacher);
        Tensor whole = rest is null ? y : y.sub_(rest).exp_().mul_(gradient.narrow(1, k, 1));
        return (divergence, whole.scatter_(1, Ids, gradient.narrow(1, 0, k)));
    }

    /// <summary>
    /// Returns the values of all classes, and the value of the class of the others alone. Overwrites the most likely tokens' entries of
    /// <paramref name="all"/> with -∞.
    /// </summary>
    private static (Tensor Values, Tensor? Others) Classes(Tensor top, Tensor all, Tensor ids)
    {
        if (ids.shape[1] == all.shape[1]) return (top, null);
        Tensor rest = all.scatter_(1, ids, full_like(top, double.NegativeInfinity)).logsumexp(1, keepdim: true);
        return (cat([top, rest], 1), rest);
    }
}
