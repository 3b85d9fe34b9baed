namespace Microsoft.ML.Reversible;

/// <summary>
/// How far a student's distribution of the next token, s, is from its teacher's, t; both are softmaxes over the vocabulary.
/// </summary>
public enum Divergence
{
    /// <summary>
    /// KL(t‖s) = Σ t log(t / s): large where the teacher gives a token much probability and the student little. The usual choice.
    /// </summary>
    ForwardKl,

    /// <summary>
    /// KL(s‖t) = Σ s log(s / t): large where the student gives a token much probability and the teacher little, so a small student may
    /// ignore some of the teacher's likely tokens.
    /// </summary>
    ReverseKl,

    /// <summary>
    /// The generalised Jensen-Shannon divergence of arXiv 2306.13649, β KL(t‖m) + (1-β) KL(s‖m) with m = β t + (1-β) s and β within (0, 1):
    /// bounded, and like forward KL for a small β, like reverse KL for a large one. As β goes to 0 it approaches β times forward KL; as β
    /// goes to 1, (1-β) times reverse KL.
    /// </summary>
    JensenShannon,
}
