using System.Numerics;

namespace Microsoft.ML.Reversible.Stability;

/// <summary>
/// One step p⁺ = A p⁻ + B p + C f(p). Along an eigenvector of f's Jacobian with eigenvalue λ it multiplies by the roots r of
/// <code>
///     r² - (B + Cλ) r - A = 0
/// </code>
/// so a perturbation grows by max |r| forward and by 1/min |r| back. With A = 0 there is the one root B + Cλ, and no way back. A double
/// root r has one eigenvector only, and after n steps a perturbation of p has grown by (n + 1) |r|ⁿ: linearly where |r| = 1.
/// </summary>
internal readonly record struct Recurrence(double A, double B, double C)
{
    /// <summary>Two roots closer than this may be a double root whose eigenvalue float32 has found wrong by 1e-6.</summary>
    private const double RootNoise = 2e-3;

    /// <summary>
    /// Where |A| &lt; 1 and B = 1 - A, both roots are inside the unit circle for real λ between this and 0 (Jury's conditions), and for
    /// complex λ in the ellipse that has these ends as one axis and (1+A)/C as half of the other. At both ends one root is on the circle,
    /// 1 at 0 and -1 here, and the other, of absolute value |A|, inside: errors keep their size.
    /// </summary>
    public double DecayBound => -2 * (1 - A) / C;

    /// <summary>
    /// Two steps of functions F, G in turn, x₂ = A₁x₀ + C₁F(x₁) and x₃ = A₂x₁ + C₂G(x₂), as one step in the eigenvalues μ of J_G J_F: a
    /// pair of steps multiplies by the roots of
    /// <code>
    ///     (r - A₁)(r - A₂) = C₁C₂μ r
    /// </code>
    /// </summary>
    /// <exception cref="ArgumentException">A step has B other than 0, so that the two do not decouple into one eigenvalue.</exception>
    public static Recurrence Pair(Recurrence first, Recurrence second)
    {
        if (first.B != 0 || second.B != 0)
            throw new ArgumentException("Steps of two functions in turn are one recurrence only where B is 0.");
        return new(-first.A * second.A, first.A + second.A, first.C * second.C);
    }

    /// <summary>The growth along an eigenvector with this eigenvalue.</summary>
    public Growth At(Complex eigenvalue)
    {
        Complex sum = B + C * eigenvalue;
        if (A == 0) return new(sum.Magnitude, null);
        Complex difference = Complex.Sqrt(sum * sum + 4 * A), plus = sum + difference, minus = sum - difference;
        // The smaller root follows from the product, which is -A: taken as a difference it would lose its digits.
        double large = Math.Max(plus.Magnitude, minus.Magnitude) / 2;
        return new(large, large / Math.Abs(A));
    }

    /// <summary>
    /// Whether the roots are a double one on the unit circle as far as so many layers can tell: where two are within 1/L of one another, L
    /// layers multiply by nearly what they would with a double root.
    /// </summary>
    public bool IsLinear(Complex eigenvalue, int layerCount)
    {
        if (A == 0 || At(eigenvalue).Worst > Growth.Noise) return false;
        Complex sum = B + C * eigenvalue;
        return Complex.Sqrt(sum * sum + 4 * A).Magnitude <= Math.Max(1.0 / layerCount, RootNoise);
    }
}

/// <summary>A layer of a scheme as its stability sees it.</summary>
/// <param name="FirstFunction">The first of the scheme's functions that make up the layer.</param>
/// <param name="FunctionCount">How many they are; eigenvalues are those of the product of their Jacobians.</param>
/// <param name="Choices">The recurrence; several where the scheme draws one of them anew in every pass.</param>
internal sealed record LayerRecurrence(int FirstFunction, int FunctionCount, IReadOnlyList<Recurrence> Choices)
{
    /// <summary>The functions that make up the layer, from the scheme's first function on.</summary>
    public IEnumerable<int> Functions => Enumerable.Range(FirstFunction, FunctionCount);

    /// <summary>The most that the layer multiplies by along an eigenvector with this eigenvalue, whichever recurrence is drawn.</summary>
    public Growth At(Complex eigenvalue) => Choices.Select(choice => choice.At(eigenvalue)).Aggregate((a, b) => a.Or(b));

    /// <summary>
    /// Whether errors along an eigenvector with this eigenvalue grow linearly, as far as so many layers can tell, under a recurrence that
    /// is drawn.
    /// </summary>
    public bool IsLinear(Complex eigenvalue, int layerCount) => Choices.Any(choice => choice.IsLinear(eigenvalue, layerCount));

    /// <summary>The layers of a scheme that is trained over so many functions.</summary>
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

    /// <summary>The recurrences of one pass, function by function, with what is random drawn.</summary>
    public static IReadOnlyList<Recurrence> Draw(Scheme scheme, int functionCount, Random random)
    {
        Scheme[] drawn = Drawn(scheme);
        return [.. Enumerable.Range(0, functionCount)
            .Select(l => Step(drawn[random.Next(drawn.Length)], l))];
    }

    /// <summary>The schemes that a layer is drawn from: its weights alone would be those of the mean.</summary>
    private static Scheme[] Drawn(Scheme scheme) => scheme is Bdia { Signs: BdiaSigns.Random } bdia
        ? [bdia with { Signs = BdiaSigns.Positive }, bdia with { Signs = BdiaSigns.Negative }]
        : [scheme];

    private static Recurrence Step(Scheme scheme, int function) => Of(scheme.StepAt(function));

    private static Recurrence Of(Coefficients c) => new(c.A, c.B, c.C);
}

/// <summary>What one layer multiplies a perturbation by, at most.</summary>
/// <param name="Forward">On the way forward.</param>
/// <param name="Backward">On the way back; null where there is no inverse.</param>
internal readonly record struct Growth(double Forward, double? Backward)
{
    /// <summary>Above this a factor is growth; below it is the noise of eigenvalues that were found in float32.</summary>
    public const double Noise = 1.01;

    /// <summary>The larger of the two directions.</summary>
    public double Worst => Math.Max(Forward, Backward ?? 0);

    /// <summary>The larger of each direction.</summary>
    public Growth Or(Growth other) => new(
        Math.Max(Forward, other.Forward),
        Backward is { } mine && other.Backward is { } others ? Math.Max(mine, others) : null);
}
