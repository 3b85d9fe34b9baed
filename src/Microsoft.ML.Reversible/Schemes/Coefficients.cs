using Microsoft.ML.Reversible.Kernels;

namespace Microsoft.ML.Reversible;

/// <summary>The coefficients of a layer's recurrence p⁺ = A p⁻ + B p + C f(p).</summary>
/// <param name="A">What p⁻ is multiplied by; 0 where the layer cannot be run backwards.</param>
/// <param name="B">What p is multiplied by.</param>
/// <param name="C">What f(p) is multiplied by.</param>
public readonly record struct Coefficients(double A, double B, double C)
{
    /// <summary>A first layer that is taken as p + f(p), and every layer of a residual network.</summary>
    internal static Coefficients Euler { get; } = new(0, 1, 1);

    /// <summary>
    /// k in A = ±1/k, where that is a power of two of which remainders are kept; 1 where A is an integer, so that nothing is rounded off;
    /// null for any other A.
    /// </summary>
    internal int? Divisor
    {
        get
        {
            if (double.IsInteger(A)) return 1;
            double k = 1 / Math.Abs(A);
            return k is 2 or 4 or 8 or 16 or 32 or SideBits.MaxK ? (int)k : null;
        }
    }

    /// <summary>Whether products of p⁻ and p are on the grid where these are.</summary>
    internal bool StaysOnGrid => double.IsInteger(A) && double.IsInteger(B);
}
