using Microsoft.ML.Reversible.Schemes;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

public abstract partial record Scheme
{
    /// <summary>The leapfrog scheme with step size 1/2.</summary>
    public static Scheme Leapfrog { get; } = new Leapfrog();
}

/// <summary>
/// The leapfrog (Verlet) scheme, equation 2.6 of arXiv 2512.02056:
/// <code>
///     p⁺ = 2p - p⁻ + h² f(p)          p⁻ = 2p - p⁺ + h² f(p)
/// </code>
/// It is bounded in both directions if the eigenvalues λ of f's Jacobian are real with -4 &lt; h²λ &lt; 0. At h²λ = 0 and at -4 the root
/// of the recurrence is double and errors grow linearly: L layers multiply an error by up to L + 1, so 1e-3 becomes 1.0 in 1,000 layers.
/// λ = 0 is common: f does not depend on what the norm at its start removes from a token. It is exact on a grid and stores no remainders.
/// </summary>
/// <param name="StepSize">h, positive and finite.</param>
public sealed record Leapfrog(double StepSize = 0.5) : Scheme
{
    /// <summary>h, positive and finite.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not positive and finite.</exception>
    public double StepSize { get; init; } = StepSizes.Checked(StepSize);

    /// <inheritdoc/>
    public override string Name => "leapfrog";

    /// <inheritdoc/>
    protected override IEnumerable<string> Parameters => [Text(StepSize)];

    /// <inheritdoc/>
    public override Coefficients At(int layer) => new(-1, 2, StepSize * StepSize);

    /// <inheritdoc/>
    protected override Scheme With(IReadOnlyList<string> parameters) =>
        parameters.Count == 1 ? this with { StepSize = StepSizes.Checked(Number(parameters[0])) } : throw Unknown(parameters[1]);
}
