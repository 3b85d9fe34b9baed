using System.Globalization;

namespace Microsoft.ML.Reversible.Stability;

/// <summary>What a scheme's stability hangs on, in words.</summary>
/// <param name="Variable">What the eigenvalue λ of f's Jacobian enters as.</param>
/// <param name="Bounded">When the recurrence is bounded.</param>
/// <param name="StepSize">The step size, where there is one.</param>
/// <param name="WithStepSize">The scheme with another step size, where there is one.</param>
internal sealed record SchemeCondition(string Variable, string Bounded, double? StepSize = null, Func<double, Scheme>? WithStepSize = null)
{
    /// <summary>The condition of a scheme, after section 3 of arXiv 2512.02056.</summary>
    public static SchemeCondition Of(Scheme scheme) => scheme switch
    {
        Midpoint s => new(
            "2hλ", "bounded both ways where 2hλ is imaginary within ±2i", s.StepSize, h => s with { StepSize = h }),
        Leapfrog s => new(
            "h²λ", "bounded both ways where h²λ is real within [-4, 0]", s.StepSize, h => s with { StepSize = h }),
        MidpointA s => new(
            "hλ", "bounded both ways only where |a| = 1; back, each layer multiplies by 1/|a| even where f is 0",
            s.StepSize, h => s with { StepSize = h }),
        Hamiltonian => new("the eigenvalue of J_Mlp J_Attn", "bounded both ways where it is real within [-4, 0]"),
        Bdia s => new("(1+γ)λ", $"back, each layer multiplies by k = {s.K}, which the side bits of exact arithmetic make up for"),
        Estimator { A: 1 } => new("the eigenvalue of F = f + e", "bounded both ways where it is imaginary within ±2i"),
        Estimator { A: -1 } => new("the eigenvalue of F = f - e", "bounded both ways where it is real within [-4, 0]"),
        Estimator s => new(
            "the eigenvalue of F = f + a e",
            string.Create(
                CultureInfo.InvariantCulture,
                $"back, each layer multiplies by 1/|a| = {1 / Math.Abs(s.A)}, which the side bits of exact arithmetic make up for")),
        _ => new("λ", "bounded forward where |1 + λ| ≤ 1; there is no way back"),
    };

    /// <summary>The factor with which λ enters the variable.</summary>
    public static double Factor(LayerRecurrence layer) => layer.Choices.MaxBy(c => Math.Abs(c.C)).C;
}
