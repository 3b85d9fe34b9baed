namespace Microsoft.ML.Reversible;

/// <summary>
/// The most that a small error of two neighbouring hidden states is multiplied by over a whole stack: the largest singular value of the
/// derivative T of (p₀, p₋₁) ↦ (p_L, p_{L-1}), and of its inverse.
/// </summary>
/// <remarks>
/// <para>
/// Unlike the eigenvalues of one layer after the other, it sees how the layers act in turn, and errors that grow though no eigenvalue says
/// so. Lengths are Euclidean, over all numbers of both states of one window. An iteration finds it from below.
/// </para>
/// <para>
/// Where the first layer does not depend on p₋₁ (<see cref="Start.Euler"/>), the inverse ends at (p₁, p₀). In a residual network the
/// derivative is that of p₀ ↦ p_L.
/// </para>
/// </remarks>
/// <param name="Forward">On the way forward; 1 keeps an error's size.</param>
/// <param name="Backward">On the way back; null where the layers have no inverse.</param>
public readonly record struct StackAmplification(double Forward, double? Backward)
{
    /// <summary>The larger of each direction.</summary>
    internal StackAmplification Or(StackAmplification other) => new(
        Math.Max(Forward, other.Forward),
        Backward is { } mine && other.Backward is { } others ? Math.Max(mine, others) : null);
}
