using System.Numerics;

namespace Microsoft.ML.Reversible.Stability;

/// <summary>
/// One step p⁺ = A p⁻ + B p + C f(p). Along an eigenvector of f's Jacobian with eigenvalue λ, its modes are multiplied by the roots r of
/// <code>
///     r² - (B + Cλ) r - A = 0
/// </code>
/// so that a perturbation grows by max |r| forward and by 1/min |r| backward. With A = 0 there is one root, B + Cλ, and no inverse.
/// A double root r has only one eigenvector: after n steps a perturbation of p has grown by (n + 1) |r|ⁿ, which is linear if |r| = 1.
/// </summary>
internal readonly record struct Recurrence(double A, double B, double C)
{
    /// <summary>Two roots closer than this may be a double root, if float32 found the eigenvalue with an error of 1e-6.</summary>
    private const double RootNoise = 2e-3;

    /// <summary>
    /// The lower end of the real interval (bound, 0) of λ in which both roots are inside the unit circle, for |A| &lt; 1 and B = 1 - A
    /// (Jury's conditions). For complex λ the region is an ellipse with this interval as one axis and (1+A)/C as the other semi-axis. At
    /// both ends one root is on the circle, 1 at λ = 0 and -1 at the bound, and the other has absolute value |A|, so errors keep their
    /// size.
    /// </summary>
    public double DecayBound => -2 * (1 - A) / C;

    /// <summary>
    /// Combines two steps with functions F and G, x₂ = A₁x₀ + C₁F(x₁) and x₃ = A₂x₁ + C₂G(x₂), into one step in the eigenvalues μ of
    /// J_G J_F, whose modes are multiplied by the roots of
    /// <code>
    ///     (r - A₁)(r - A₂) = C₁C₂μ r
    /// </code>
    /// </summary>
    /// <exception cref="ArgumentException">A step has B ≠ 0, so the pair does not depend on a single eigenvalue.</exception>
    public static Recurrence Pair(Recurrence first, Recurrence second)
    {
        if (first.B != 0 || second.B != 0)
            throw new ArgumentException("Two steps with different functions combine into one recurrence only if B is 0.");
        return new(-first.A * second.A, first.A + second.A, first.C * second.C);
    }

    /// <summary>Returns the growth along an eigenvector with this eigenvalue.</summary>
    public Growth At(Complex eigenvalue)
    {
        Complex sum = B + C * eigenvalue;
        if (A == 0) return new(sum.Magnitude, null);
        Complex difference = Complex.Sqrt(sum * sum + 4 * A), plus = sum + difference, minus = sum - difference;
        // The smaller root follows from the product of the roots, -A. Their difference would cancel.
        double large = Math.Max(plus.Magnitude, minus.Magnitude) / 2;
        return new(large, large / Math.Abs(A));
    }

    /// <summary>
    /// Returns whether the roots are a double root on the unit circle, or too close to tell apart: if two roots differ by less than 1/L, L
    /// layers amplify nearly as with a double root.
    /// </summary>
    public bool IsLinear(Complex eigenvalue, int layerCount)
    {
        if (A == 0 || At(eigenvalue).Worst > Growth.Noise) return false;
        Complex sum = B + C * eigenvalue;
        return Complex.Sqrt(sum * sum + 4 * A).Magnitude <= Math.Max(1.0 / layerCount, RootNoise);
    }
}

/// <summary>The recurrence of one layer of a scheme.</summary>
/// <param name="FirstFunction">The index of the layer's first function.</param>
/// <param name="FunctionCount">The number of its functions. The eigenvalues are those of the product of their Jacobians.</param>
/// <param name="Choices">The recurrence; several if the scheme draws one of them at random in every pass.</param>
internal sealed record LayerRecurrence(int FirstFunction, int FunctionCount, IReadOnlyList<Recurrence> Choices)
{
    /// <summary>The indices of the layer's functions.</summary>
    public IEnumerable<int> Functions => Enumerable.Range(FirstFunction, FunctionCount);

    /// <summary>Returns the largest growth along an eigenvector with this eigenvalue, over all recurrences that may be drawn.</summary>
    public Growth At(Complex eigenvalue) => Choices.Select(choice => choice.At(eigenvalue)).Aggregate((a, b) => a.Or(b));

    /// <summary>
    /// Returns whether errors along an eigenvector with this eigenvalue grow linearly under a recurrence that may be drawn.
    /// </summary>
    public bool IsLinear(Complex eigenvalue, int layerCount) => Choices.Any(choice => choice.IsLinear(eigenvalue, layerCount));

    /// <summary>Returns the layers of a scheme over a number of functions.</summary>
    public static IReadOnlyList<LayerRecurrence> Of(Scheme scheme, int functionCount)
    {
        Scheme[] drawn = Drawn(scheme);
        if (scheme is Hamiltonian)
        {
            return [.. Enumerable.Range(0, functionCount / 2)
                .Select(l => new LayerRecurrence(2 * l, 2, [Recurrence.Pair(Of(scheme.At(2 * l)), Of(scheme.At(2 * l + 1)))]))];
        }
        return [.. Enumerable.Range(0, functionCount)
            .Select(l => new LayerRecurrence(l, 1, [.. drawn.Select(s => Step(s, l)).Distinct()]))];
    }

    /// <summary>Draws the recurrences of one pass, one for each function.</summary>
    public static IReadOnlyList<Recurrence> Draw(Scheme scheme, int functionCount, Random random)
    {
        Scheme[] drawn = Drawn(scheme);
        return [.. Enumerable.Range(0, functionCount)
            .Select(l => Step(drawn[random.Next(drawn.Length)], l))];
    }

    /// <summary>Returns the schemes that may be drawn for a layer. A random scheme's own coefficients are only those of its mean.</summary>
    private static Scheme[] Drawn(Scheme scheme) => scheme is Bdia { Signs: BdiaSigns.Random } bdia
        ? [bdia with { Signs = BdiaSigns.Positive }, bdia with { Signs = BdiaSigns.Negative }]
        : [scheme];

    private static Recurrence Step(Scheme scheme, int function) => Of(scheme.StepAt(function));

    private static Recurrence Of(Coefficients c) => new(c.A, c.B, c.C);
}

/// <summary>The maximum factor by which one layer amplifies a perturbation.</summary>
/// <param name="Forward">The factor in the forward direction.</param>
/// <param name="Backward">The factor in the backward direction; null if there is no inverse.</param>
internal readonly record struct Growth(double Forward, double? Backward)
{
    /// <summary>A factor up to this is not growth, but noise of eigenvalues computed in float32.</summary>
    public const double Noise = 1.01;

    /// <summary>The larger factor of the two directions.</summary>
    public double Worst => Math.Max(Forward, Backward ?? 0);

    /// <summary>Returns the larger factor in each direction.</summary>
    public Growth Or(Growth other) => new(
        Math.Max(Forward, other.Forward),
        Backward is { } mine && other.Backward is { } others ? Math.Max(mine, others) : null);
}
