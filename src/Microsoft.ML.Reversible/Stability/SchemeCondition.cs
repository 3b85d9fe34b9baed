using System.Globalization;

namespace Microsoft.ML.Reversible.Stability;

/// <summary>The condition for a scheme's stability, in words.</summary>
/// <param name="Variable">The expression in the eigenvalue λ of f's Jacobian that the condition restricts.</param>
/// <param name="Bounded">The condition under which the recurrence is bounded.</param>
/// <param name="StepSize">The step size; null if the scheme has none.</param>
/// <param name="WithStepSize">Returns the scheme with another step size; null if it has none.</param>
internal sealed record SchemeCondition(string Variable, string Bounded, double? StepSize = null, Func<double, Scheme>? WithStepSize = null)
{
    private const string Lambda = "λ";

    private const string ImaginaryBound =
        "bounded in both directions if it is imaginary with absolute value below 2; at ±2i the root is double and errors grow linearly";

    private const string RealBound = "bounded in both directions if it is real and -4 < {0} < 0; at both ends the root is double and "
        + "errors ";

    private const string MadeUpFor = ", which the remainders of exact arithmetic compensate";

    /// <summary>
    /// Returns the condition of a scheme: for A = ±1 from section 3 of arXiv 2512.02056 with strict bounds, for |A| &lt; 1 from
    /// <see cref="Recurrence.DecayBound"/>.
    /// </summary>
    public static SchemeCondition Of(Scheme scheme, int layerCount = 2) => scheme switch
    {
        Midpoint s => new("2hλ", ImaginaryBound, s.StepSize, h => s with { StepSize = h }),
        Leapfrog s => new("h²λ", Real("h²λ") + "grow linearly", s.StepSize, h => s with { StepSize = h }),
        MidpointA s => new(
            "hλ",
            "forward, errors decay if |a| < 1, hλ is real and -2(1-a) < hλ < 0, and grow if |a| > 1, by |a| where f is 0; "
            + "backward, they grow if |a| < 1, by 1/|a| where f is 0",
            s.StepSize,
            h => s with { StepSize = h }),
        Hamiltonian => new(
            "the eigenvalue μ of J_Mlp J_Attn", Real("μ") + "grow linearly, except at 0 if neither half depends on its input"),
        Bdia s => new(
            Lambda,
            $"forward, errors decay{(s.Signs == BdiaSigns.Random ? " with either sign" : "")} if λ is real and "
            + $"{DecayBound(s)} < λ < 0, and keep their size at both ends; backward, they grow by k = {s.K} where f is 0{MadeUpFor}"),
        IteratedInverse { A: 1 } => new("the eigenvalue of F = f + e", ImaginaryBound),
        IteratedInverse { A: -1 } => new("the eigenvalue μ of F = f - e", Real("μ") + "grow linearly"),
        IteratedInverse s => new(
            "the eigenvalue μ of F = f + a e",
            $"forward, errors decay if μ is real and {DecayBound(s)} < μ < 0, and keep their size at both ends; "
            + string.Create(CultureInfo.InvariantCulture, $"backward, they grow by 1/|a| = {1 / Math.Abs(s.A)} where F is 0{MadeUpFor}")),
        Residual => new(Lambda, "forward, errors decay if |1 + λ| < 1, and keep their size if it is 1; there is no inverse"),
        _ => Derived(LayerRecurrence.Of(scheme, layerCount)),
    };

    /// <summary>Derives the condition of a scheme of another assembly from its coefficients, which may differ between layers.</summary>
    private static SchemeCondition Derived(IReadOnlyList<LayerRecurrence> layers)
    {
        Recurrence[] own = [.. layers.SelectMany(layer => layer.Choices).Where(c => c != new Recurrence(0, 1, 1)).Distinct()];
        if (own is [{ C: not 0 } c])
        {
            if (c is { A: 1, B: 0 }) return new("Cλ", ImaginaryBound);
            if (c is { A: -1, B: 2 }) return new("Cλ", Real("Cλ") + "grow linearly");
            if (Math.Abs(c.A) is > 0 and < 1 && Math.Abs(c.A + c.B - 1) < 1e-12)
            {
                string bound = c.DecayBound.ToString("G4", CultureInfo.InvariantCulture);
                return new(
                    Lambda,
                    $"forward, errors decay if λ is real and between {bound} and 0, and keep their size at both ends; backward, they grow "
                    + "where f is 0");
            }
        }
        return new(
            Lambda,
            "a layer multiplies errors by the roots r of r² = (B + Cλ) r + A: forward by up to the largest |r|, backward by up to 1 over "
            + "the smallest");
    }

    /// <summary>Returns the factor of λ in <see cref="Variable"/>.</summary>
    public double Factor(LayerRecurrence layer) => Variable == Lambda ? 1 : layer.Choices.MaxBy(c => Math.Abs(c.C)).C;

    private static string Real(string variable) => string.Format(CultureInfo.InvariantCulture, RealBound, variable);

    /// <summary>Returns the lower end of the interval in which errors decay under every recurrence that may be drawn.</summary>
    private static string DecayBound(Scheme scheme) => LayerRecurrence.Of(scheme, 2)[1].Choices
        .Max(choice => choice.DecayBound)
        .ToString("G4", CultureInfo.InvariantCulture);
}
