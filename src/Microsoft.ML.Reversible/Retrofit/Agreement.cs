using Microsoft.ML.Reversible.Data;
using Microsoft.ML.Reversible.Language;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Retrofit;

/// <summary>
/// Measures the distance of students from their teacher. Only the last hidden states of one batch and the logits of one chunk of tokens
/// exist at a time.
/// </summary>
internal static class Agreement
{
    /// <summary>Measures a student.</summary>
    /// <param name="teacher">The teacher; it may be on another device and compute in another precision.</param>
    /// <param name="student">The student, with the same vocabulary.</param>
    /// <param name="batches">The text, at least one token.</param>
    /// <param name="cancellationToken">Cancels the measurement between two batches.</param>
    /// <exception cref="InvalidOperationException">There is no token.</exception>
    /// <exception cref="OverflowException">A value is outside the range of the student's exact arithmetic.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static RetrofitAgreement Measure(
        LanguageNetwork teacher, LanguageNetwork student, IEnumerable<TokenBatch> batches, CancellationToken cancellationToken)
    {
        DivergenceSums sums = default;
        foreach (TokenBatch batch in batches)
        {
            cancellationToken.ThrowIfCancellationRequested();
            sums += Compare(teacher, student, batch);
        }
        return Mean(sums);
    }

    /// <summary>Returns the sums over a batch.</summary>
    /// <exception cref="OverflowException">A value is outside the range of the student's exact arithmetic.</exception>
    public static DivergenceSums Compare(LanguageNetwork teacher, LanguageNetwork student, TokenBatch batch)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        return Compare(teacher, Hidden(teacher, teacher.Stack, batch), student, Hidden(student, student.Stack, batch), batch);
    }

    /// <summary>Returns the input of the head, of shape [rows * context, width], in the caller's dispose scope.</summary>
    /// <param name="network">The network with the embedding and the final norm.</param>
    /// <param name="stack">A stack over the network's blocks: its own or one of another scheme.</param>
    /// <param name="batch">The tokens.</param>
    public static Tensor Hidden(LanguageNetwork network, LayerStack stack, TokenBatch batch)
    {
        using var scope = NewDisposeScope();
        Tensor ids = batch.ToTensors(network.Device).Ids;
        return network.FinalNorm(stack.Evaluate(network.Embed(ids))).flatten(0, 1).MoveToOuterDisposeScope();
    }

    /// <summary>Returns the sums over a batch, from the inputs of both heads.</summary>
    public static DivergenceSums Compare(
        LanguageNetwork teacher, Tensor teacherHidden, LanguageNetwork student, Tensor studentHidden, TokenBatch batch) =>
        ChunkedDivergence.Measure(
            LinearHead.Of(student, studentHidden), LinearHead.Of(teacher, teacherHidden), batch.ToTensors(student.Device).Targets);

    /// <summary>Returns the means over the tokens.</summary>
    /// <exception cref="InvalidOperationException">There is no token.</exception>
    public static RetrofitAgreement Mean(DivergenceSums sums)
    {
        if (sums.Tokens == 0)
            throw new InvalidOperationException("There are no held-out tokens to compare teacher and student on. Give more text.");
        double tokens = sums.Tokens;
        return new(
            sums.Kl / tokens, sums.Agreements / tokens,
            -sums.TeacherLogLikelihood / tokens, -sums.StudentLogLikelihood / tokens, sums.Tokens);
    }
}

/// <summary>
/// A teacher's last hidden states on a sample of text, computed once to compare many conversions with. A conversion is a stack of another
/// scheme over the same blocks, so no weight is copied.
/// </summary>
internal sealed class TeacherSample : IDisposable
{
    private readonly LanguageNetwork _teacher;
    private readonly List<(TokenBatch Batch, Tensor Hidden)> _batches = [];

    /// <summary>Runs the teacher.</summary>
    /// <param name="teacher">The teacher; it must outlive the sample.</param>
    /// <param name="batches">The text.</param>
    /// <param name="cancellationToken">Cancels the work between two batches.</param>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public TeacherSample(LanguageNetwork teacher, IEnumerable<TokenBatch> batches, CancellationToken cancellationToken = default)
    {
        _teacher = teacher;
        try
        {
            foreach (TokenBatch batch in batches)
            {
                cancellationToken.ThrowIfCancellationRequested();
                using var noGraph = no_grad();
                _batches.Add((batch, Agreement.Hidden(teacher, teacher.Stack, batch).DetachFromDisposeScope()));
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The number of tokens that a measurement is the mean over.</summary>
    public long TokenCount => _batches.Sum(b => b.Batch.TargetCount);

    /// <summary>Number of blocks.</summary>
    public int LayerCount => _teacher.Blocks.Count;

    /// <summary>The width of the hidden states.</summary>
    public int Width => _teacher.Configuration.Width;

    /// <summary>Measures the teacher's blocks under another scheme, in that scheme's default arithmetic.</summary>
    /// <param name="scheme">The scheme.</param>
    /// <param name="cancellationToken">Cancels the measurement between two batches.</param>
    /// <returns>The agreement; the distance is infinite if a hidden state is outside the range of exact arithmetic.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public RetrofitAgreement Measure(Scheme scheme, CancellationToken cancellationToken = default)
    {
        var stack = new LayerStack(scheme.ForTrainedWeights(), _teacher.Blocks, BackwardMode.Stored, scheme.DefaultArithmetic);
        DivergenceSums sums = default;
        foreach ((TokenBatch batch, Tensor hidden) in _batches)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            using var noGraph = no_grad();
            sums += Compare(stack, batch, hidden);
        }
        return Agreement.Mean(sums);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach ((_, Tensor hidden) in _batches) hidden.Dispose();
        _batches.Clear();
    }

    private DivergenceSums Compare(LayerStack stack, TokenBatch batch, Tensor hidden)
    {
        try
        {
            return Agreement.Compare(_teacher, hidden, _teacher, Agreement.Hidden(_teacher, stack, batch), batch);
        }
        catch (OverflowException)
        {
            return new(double.PositiveInfinity, 0, double.NegativeInfinity, 0, batch.TargetCount);
        }
    }
}
