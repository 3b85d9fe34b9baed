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
