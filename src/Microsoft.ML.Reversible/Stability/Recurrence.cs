using System.Numerics;

namespace Microsoft.ML.Reversible.Stability;

/// <summary>
/// One step p⁺ = A p⁻ + B p + C f(p). Along an eigenvector of f's Jacobian with eigenvalue λ it multiplies by the roots r of
/// <code>
///     r² - (B + Cλ) r - A = 0
/// </code>
/// so a perturbation grows by max |r| forward and by 1/min |r| back. With A = 0 there is the one root B + Cλ, and no way back.
/// </summary>
internal readonly record struct Recurrence(double A, double B, double C)
{
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
}
