namespace Microsoft.ML.Reversible;

/// <summary>How far a student is from its teacher on one text, token by token.</summary>
/// <param name="KlPerToken">
/// KL(teacher‖student), Σ t log(t / s) over the vocabulary, as a mean over the tokens, nats; 0 where both give the same distributions, and
/// infinite or not a number where the student's are no distributions any more.
/// </param>
/// <param name="Top1Agreement">The part of the tokens at which both think the same next token the likeliest, within [0, 1].</param>
/// <param name="TeacherLoss">The teacher's mean cross-entropy, nats a token.</param>
/// <param name="StudentLoss">The student's mean cross-entropy, nats a token.</param>
/// <param name="TokenCount">The number of tokens that these are means over; padding does not count.</param>
public sealed record RetrofitAgreement(
    double KlPerToken, double Top1Agreement, double TeacherLoss, double StudentLoss, long TokenCount)
{
    /// <summary>e to the power of <see cref="TeacherLoss"/>.</summary>
    public double TeacherPerplexity => Math.Exp(TeacherLoss);

    /// <summary>e to the power of <see cref="StudentLoss"/>.</summary>
    public double StudentPerplexity => Math.Exp(StudentLoss);

    /// <summary>The divergence to order by: what is no number is as far as can be.</summary>
    internal double Distance => double.IsNaN(KlPerToken) ? double.PositiveInfinity : KlPerToken;
}
