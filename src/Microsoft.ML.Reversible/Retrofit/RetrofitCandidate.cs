namespace Microsoft.ML.Reversible;

/// <summary>A conversion of a teacher as it was measured before any training.</summary>
/// <param name="Scheme">The scheme that the teacher's blocks were run under.</param>
/// <param name="Agreement">How far that is from the teacher.</param>
/// <param name="BitsPerActivation">The bits that its way back keeps for each activation of the stream in each layer; 0 where none.</param>
/// <param name="EvaluationsPerLayer">
/// How often a layer evaluates blocks on the way forward; as often again, with their gradients, on the way back.
/// </param>
/// <param name="Fits">Whether it keeps to the limits on memory and cost.</param>
public sealed record RetrofitCandidate(
    Scheme Scheme, RetrofitAgreement Agreement, int BitsPerActivation, int EvaluationsPerLayer, bool Fits)
{
    /// <summary>
    /// The cost of a layer's training step as a multiple of a checkpointed residual layer's, which evaluates its block once on the way
    /// forward and once, with gradients, on the way back; as all evaluations cost the same, this is <see cref="EvaluationsPerLayer"/>.
    /// </summary>
    public double RelativeCost => EvaluationsPerLayer;
}
