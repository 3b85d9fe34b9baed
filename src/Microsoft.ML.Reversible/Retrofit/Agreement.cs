using Microsoft.ML.Reversible.Data;
using Microsoft.ML.Reversible.Losses;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Retrofitting;

/// <summary>
/// Measures how far students are from their teacher. Of either only the streams of a batch are kept, and the logits of a chunk of tokens.
/// </summary>
internal static class Agreement
{
    /// <summary>Measures a student.</summary>
    /// <param name="teacher">The teacher; it may be on another device and compute in another precision.</param>
    /// <param name="student">The student, of the same vocabulary.</param>
    /// <param name="batches">The text, at least one token of it.</param>
    /// <param name="cancellationToken">Ends the measurement between two batches.</param>
    /// <exception cref="InvalidOperationException">There is no token.</exception>
    /// <exception cref="OverflowException">The student's exact arithmetic has left its range.</exception>
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

    /// <summary>The sums over a batch.</summary>
    /// <exception cref="OverflowException">The student's exact arithmetic has left its range.</exception>
    public static DivergenceSums Compare(LanguageNetwork teacher, LanguageNetwork student, TokenBatch batch)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        return Compare(teacher, Hidden(teacher, teacher.Stack, batch), student, Hidden(student, student.Stack, batch), batch);
    }

    /// <summary>What goes into the head, of shape [rows * context, width], in the caller's dispose scope.</summary>
    /// <param name="network">Embeds, and has the final norm.</param>
    /// <param name="stack">A stack over the network's blocks: its own or one of another scheme.</param>
    /// <param name="batch">The tokens.</param>
    public static Tensor Hidden(LanguageNetwork network, LayerStack stack, TokenBatch batch)
    {
        using var scope = NewDisposeScope();
        Tensor ids = batch.ToTensors(network.Device).Ids;
        return network.FinalNorm(stack.Evaluate(network.Embed(ids))).flatten(0, 1).MoveToOuterDisposeScope();
    }

    /// <summary>The sums over a batch, from what goes into both heads.</summary>
    public static DivergenceSums Compare(
        LanguageNetwork teacher, Tensor teacherHidden, LanguageNetwork student, Tensor studentHidden, TokenBatch batch) =>
        ChunkedDivergence.Measure(
            new(studentHidden, student.HeadWeight, student.Compute),
            new(teacherHidden, teacher.HeadWeight, teacher.Compute),
            batch.ToTensors(student.Device).Targets);

    /// <summary>The means.</summary>
    /// <exception cref="InvalidOperationException">There is no token.</exception>
    public static RetrofitAgreement Mean(DivergenceSums sums)
    {
        if (sums.Tokens == 0)
            throw new InvalidOperationException("Teacher and student are compared on held-out tokens, and there are none. Give more text.");
        double tokens = sums.Tokens;
        return new(
            sums.Kl / tokens, sums.Agreements / tokens,
            -sums.TeacherLogLikelihood / tokens, -sums.StudentLogLikelihood / tokens, sums.Tokens);
    }
}
