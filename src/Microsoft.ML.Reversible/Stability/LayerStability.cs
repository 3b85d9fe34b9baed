using Microsoft.ML.Reversible.Stability;

namespace Microsoft.ML.Reversible;

/// <summary>How stable one layer is at the states that real text leads to.</summary>
/// <remarks>
/// The eigenvalues are those of the Jacobian of the layer's function f over the whole state of one window, all its tokens and channels at
/// once; for the Hamiltonian scheme those of the product J_Mlp J_Attn. An iteration finds the outer ones best and does not find all, so
/// growth factors are estimates from below.
/// </remarks>
public sealed record LayerStability
{
    private readonly IReadOnlyList<EigenvalueEstimate> _eigenvalues = [];

    /// <summary>The layer, from 0.</summary>
    public required int Layer { get; init; }

    /// <summary>The eigenvalues found, over all windows, the largest in absolute value first; at least one.</summary>
    public required IReadOnlyList<EigenvalueEstimate> Eigenvalues
    {
        get => _eigenvalues;
        init => _eigenvalues = [.. value.OrderByDescending(e => e.Value.Magnitude)];
    }

    /// <summary>The eigenvalue that is largest in absolute value.</summary>
    public EigenvalueEstimate Largest => Eigenvalues[0];

    /// <summary>The eigenvalue with the largest real part.</summary>
    public EigenvalueEstimate Rightmost => Eigenvalues.MaxBy(e => e.Value.Real);

    /// <summary>The eigenvalue with the smallest real part.</summary>
    public EigenvalueEstimate Leftmost => Eigenvalues.MinBy(e => e.Value.Real);

    /// <summary>The eigenvalue with the largest imaginary part in absolute value.</summary>
    public EigenvalueEstimate MostImaginary => Eigenvalues.MaxBy(e => Math.Abs(e.Value.Imaginary));

    /// <summary>
    /// The most that the layer multiplies a perturbation by on the way forward, over the eigenvalues found: above 1 errors grow by this
    /// factor a layer; at 1 they are bounded, or grow linearly where <see cref="GrowsLinearly"/> says so.
    /// </summary>
    public required double ForwardGrowth { get; init; }

    /// <summary>The same on the way back; null where the layer's recurrence has no inverse.</summary>
    public required double? BackwardGrowth { get; init; }

    /// <summary>
    /// Whether along an eigenvalue found errors grow linearly rather than by a factor a layer: the roots of the recurrence meet on the unit
    /// circle, as far as a network of this depth can tell. L such layers multiply an error by up to L + 1. For the Hamiltonian scheme this
    /// says that they can: at the eigenvalue 0 they do not where both halves leave out the same number of directions.
    /// </summary>
    public required bool GrowsLinearly { get; init; }

    /// <summary>
    /// How wrong the stream into this layer is rebuilt, measured in floating point from the last two streams back over all windows; null
    /// where there is no way back to it.
    /// </summary>
    public required RebuildError? RebuildError { get; init; }

    internal Growth Growth => new(ForwardGrowth, BackwardGrowth);
}
