namespace Microsoft.ML.Reversible;

/// <summary>
/// How well fixed-point steps find the stream before a residual block from the stream behind it, along a teacher's own streams
/// x_j = x_{j-1} + f(x_{j-1}) with f = f_{j-1}:
/// <code>
///     y₀ = x_j       yᵢ₊₁ = x_j - f(yᵢ)       E_m(x_j) = y_m
/// </code>
/// </summary>
/// <remarks>
/// Each step multiplies the error by a local factor, ‖f(yᵢ) - f(x_{j-1})‖ / ‖yᵢ - x_{j-1}‖, and steps help only where that is below 1; they
/// come as near as one likes only where f is a contraction, with a Lipschitz factor below 1.
/// </remarks>
public sealed record LayerEstimate
{
    /// <summary>The layer j, from 1, that needs the estimate.</summary>
    public required int Layer { get; init; }

    /// <summary>
    /// ‖E_m(x_j) - x_{j-1}‖ / ‖x_{j-1}‖ for m = 0, 1, 2, ..., with norms over all channels of all tokens; at index 0 x_j itself stands for
    /// the stream before it.
    /// </summary>
    public required IReadOnlyList<double> RelativeErrors { get; init; }

    /// <summary>
    /// The largest singular value of f's Jacobian over the points tried: beginnings of at most 128 tokens of the teacher's windows. It is
    /// found by power iteration and is a bound from below: ‖Jᵀu‖ for a unit vector u, with Jᵀ by automatic differentiation. The products
    /// with J that lead to u are central differences.
    /// </summary>
    public required double LipschitzFactor { get; init; }

    /// <summary>
    /// What each step multiplied the error by, for steps 1, 2, ...: ‖f(y) - f(x)‖ / ‖y - x‖ at the points of the iteration.
    /// </summary>
    public IReadOnlyList<double> LocalFactors =>
        [.. RelativeErrors.Skip(1).Zip(RelativeErrors, (after, before) => before == 0 ? 0 : after / before)];

    /// <summary>The number of steps with the smallest error; 0 where none helps.</summary>
    public int BestSteps =>
        Enumerable.Range(0, RelativeErrors.Count).MinBy(m => double.IsNaN(RelativeErrors[m]) ? double.PositiveInfinity : RelativeErrors[m]);
}
