using Microsoft.ML.Reversible.Kernels;

namespace Microsoft.ML.Reversible;

/// <summary>The coefficients of a layer's recurrence p⁺ = A p⁻ + B p + C f(p).</summary>
/// <param name="A">The factor of p⁻; 0 if the layer cannot be run backwards.</param>
/// <param name="B">The factor of p.</param>
/// <param name="C">The factor of f(p).</param>
public readonly record struct Coefficients(double A, double B, double C)
{
    /// <summary>The coefficients of p + f(p): a first layer by Euler's method, and every layer of a residual network.</summary>
    internal static Coefficients Euler { get; } = new(0, 1, 1);

    /// <summary>
    /// k in A = ±1/k, if k is a power of two for which remainders are stored; 1 if A is an integer, so that nothing is rounded off;
    /// null for any other A.
    /// </summary>
    internal int? Divisor
    {
        get
        {
            if (double.IsInteger(A)) return 1;
            double k = 1 / Math.Abs(A);
            return k is 2 or 4 or 8 or 16 or 32 or Remainders.MaxK ? (int)k : null;
        }
    }

    /// <summary>Whether the products with p⁻ and p stay on the grid.</summary>
    internal bool StaysOnGrid => double.IsInteger(A) && double.IsInteger(B);
}
