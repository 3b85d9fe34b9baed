namespace Microsoft.ML.Reversible.Losses;

/// <summary>A student's distance from its teacher, at temperature 1, summed over the tokens whose targets count.</summary>
/// <param name="Kl">KL(teacher‖student), nats.</param>
/// <param name="Agreements">The number of tokens for which both have the same likeliest next token.</param>
/// <param name="StudentLogLikelihood">The student's log-likelihood of the targets, nats.</param>
/// <param name="TeacherLogLikelihood">The teacher's.</param>
/// <param name="Tokens">Number of targets that count.</param>
internal readonly record struct DivergenceSums(
    double Kl, long Agreements, double StudentLogLikelihood, double TeacherLogLikelihood, long Tokens)
{
    /// <summary>The sums over the tokens of both.</summary>
    public static DivergenceSums operator +(DivergenceSums a, DivergenceSums b) => new(
        a.Kl + b.Kl, a.Agreements + b.Agreements, a.StudentLogLikelihood + b.StudentLogLikelihood,
        a.TeacherLogLikelihood + b.TeacherLogLikelihood, a.Tokens + b.Tokens);
}
