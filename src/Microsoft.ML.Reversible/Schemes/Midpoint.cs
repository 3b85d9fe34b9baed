using Microsoft.ML.Reversible.Schemes;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

public abstract partial record Scheme
{
    /// <summary>The midpoint scheme with step size 1/2, so that p⁺ = p⁻ + f(p).</summary>
    public static Scheme Midpoint { get; } = new Midpoint();
}

/// <summary>
/// The explicit midpoint (two-step) scheme, equation 2.4 of arXiv 2512.02056:
/// <code>
///     p⁺ = p⁻ + 2h f(p)          p⁻ = p⁺ - 2h f(p)
/// </code>
/// It is bounded in both directions if the eigenvalues λ of f's Jacobian are imaginary with |hλ| &lt; 1. At |hλ| = 1 the root of the
/// recurrence is double and errors grow linearly: L layers multiply an error by up to L + 1. It is exact on a grid and stores no
/// remainders.
/// </summary>
/// <param name="StepSize">h, positive and finite.</param>
public sealed record Midpoint(double StepSize = 0.5) : Scheme
{
    /// <summary>h, positive and finite.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not positive and finite.</exception>
    public double StepSize { get; init; } = StepSizes.Checked(StepSize);

    /// <inheritdoc/>
    public override string Name => "midpoint";

    /// <inheritdoc/>
    protected override IEnumerable<string> Parameters => [Text(StepSize)];

    /// <inheritdoc/>
    public override Coefficients At(int layer) => new(1, 0, 2 * StepSize);

    /// <inheritdoc/>
    protected override Scheme With(IReadOnlyList<string> parameters) =>
        parameters.Count == 1 ? this with { StepSize = StepSizes.Checked(Number(parameters[0])) } : throw Unknown(parameters[1]);
}
