using System.Numerics;
using MathNet.Numerics;
using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra.Factorization;
using Column = MathNet.Numerics.LinearAlgebra.Vector<double>;

namespace Microsoft.ML.Reversible.Stability;

/// <summary>Eigenvalues of a small real matrix.</summary>
internal static class DenseEigenvalues
{
    /// <summary>The eigenvalues, each with the absolute value of the last component of its unit eigenvector.</summary>
    /// <param name="matrix">A square matrix of finite numbers.</param>
    /// <exception cref="InvalidOperationException">The iteration does not converge.</exception>
    public static IReadOnlyList<(Complex Value, double Last)> Of(double[,] matrix)
    {
        Matrix<double> m = Matrix<double>.Build.DenseOfArray(matrix);
        double scale = m.Enumerate().Max(Math.Abs);
        // The iteration compares with absolute thresholds, and does not converge on a matrix of zeros.
        if (scale == 0) return [.. Enumerable.Repeat((Complex.Zero, 1.0), m.RowCount)];
        try
        {
            Evd<double> evd = m.Divide(scale).Evd(Symmetricity.Asymmetric);
            return [.. Enumerable.Range(0, m.RowCount).Select(i => (evd.EigenValues[i] * scale, LastComponent(evd, i)))];
        }
        catch (NonConvergenceException e)
        {
            throw new InvalidOperationException(
                $"The eigenvalues of a matrix of {m.RowCount} rows could not be found: the iteration does not converge.", e);
        }
    }

    /// <summary>
    /// A complex pair keeps the real and the imaginary part of its first vector in two columns; the second vector is the conjugate.
    /// </summary>
    private static double LastComponent(Evd<double> evd, int i)
    {
        Matrix<double> vectors = evd.EigenVectors;
        int first = evd.EigenValues[i].Imaginary < 0 ? i - 1 : i;
        Column real = vectors.Column(first);
        if (evd.EigenValues[i].Imaginary == 0) return Math.Abs(real[^1]) / real.L2Norm();
        Column imaginary = vectors.Column(first + 1);
        return double.Hypot(real[^1], imaginary[^1]) / double.Hypot(real.L2Norm(), imaginary.L2Norm());
    }
}
