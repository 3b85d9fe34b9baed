using System.Numerics;
using MathNet.Numerics;
using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra.Factorization;
using Microsoft.ML.Reversible.Stack;
using TorchSharp;
using static TorchSharp.torch;
using Column = MathNet.Numerics.LinearAlgebra.Vector<double>;

namespace Microsoft.ML.Reversible.Stability;

/// <summary>Computes eigenvalues of a matrix from its products with vectors.</summary>
internal static class Spectrum
{
    /// <summary>The maximum size for which the whole matrix is computed.</summary>
    public const int WholeMatrixLimit = 64;

    /// <summary>A residual vector below this fraction of the largest product is rounding: the Krylov space is invariant.</summary>
    private const double Breakdown = 1e-12;

    /// <summary>Returns all eigenvalues of a small Jacobian, or the Ritz values of an Arnoldi iteration for a large one.</summary>
    /// <param name="jacobian">The Jacobian.</param>
    /// <param name="krylovDimension">The number of steps of the iteration, at least 1.</param>
    /// <param name="seed">The seed of the start vector.</param>
    /// <exception cref="InvalidOperationException">A product is not finite.</exception>
    public static IReadOnlyList<EigenvalueEstimate> Of(TransposedJacobian jacobian, int krylovDimension, int seed) =>
        jacobian.Size <= WholeMatrixLimit
        ? Whole(jacobian.Apply, (int)jacobian.Size, jacobian.Device)
        : Arnoldi(jacobian.Apply, jacobian.Size, krylovDimension, seed, jacobian.Device);

    /// <summary>Returns all eigenvalues, from the products with the unit vectors.</summary>
    public static IReadOnlyList<EigenvalueEstimate> Whole(Func<Tensor, Tensor> apply, int size, Device device)
    {
        using var scope = NewDisposeScope();
        var matrix = new double[size, size];
        for (int column = 0; column < size; column++)
        {
            using var step = NewDisposeScope();
            Tensor unit = zeros(size, dtype: ScalarType.Float64, device: device);
            unit.narrow(0, column, 1).fill_(1);
            double[] product = Values(apply(unit));
            for (int row = 0; row < size; row++) matrix[row, column] = Finite(product[row]);
        }
        return [.. DenseEigenvalues.Of(matrix).Select(e => new EigenvalueEstimate(e.Value, 0))];
    }

    /// <summary>
    /// Returns the Ritz values of an Arnoldi iteration. With V an orthonormal basis of the span of x, Mx, M²x, ... for a random x, the
    /// eigenvalues of the small matrix H = VᵀMV approximate those of M, the outer ones first.
    /// </summary>
    public static IReadOnlyList<EigenvalueEstimate> Arnoldi(Func<Tensor, Tensor> apply, long size, int dimension, int seed, Device device)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        int most = (int)Math.Min(dimension, size), used = 0;
        Tensor basis = zeros([most + 1, size], dtype: ScalarType.Float64, device: device);
        using (var random = new Generator(unchecked((ulong)seed)))
        {
            Tensor start = randn([size], dtype: ScalarType.Float64, device: CPU, generator: random);
            basis.select(0, 0).copy_(start / start.norm());
        }
        var h = new double[most + 1, most];
        for (double largest = 0, left = 1; used < most && left > 0; used++)
        {
            using var step = NewDisposeScope();
            Tensor product = apply(basis.select(0, used)), span = basis.narrow(0, 0, used + 1);
            largest = Math.Max(largest, Finite(product.norm().ToDouble()));
            // Orthogonalized twice: after one pass, rounding leaves a component that later steps would amplify.
            for (int pass = 0; pass < 2; pass++)
            {
                Tensor shares = span.mv(product);
                product -= span.t().mv(shares);
                double[] values = Values(shares);
                for (int row = 0; row <= used; row++) h[row, used] += values[row];
            }
            left = product.norm().ToDouble();
            if (left <= Breakdown * largest) left = 0;
            else basis.select(0, used + 1).copy_(product / left);
            h[used + 1, used] = left;
        }
        return Ritz(h, used);
    }

    private static IReadOnlyList<EigenvalueEstimate> Ritz(double[,] h, int size)
    {
        var square = new double[size, size];
        for (int row = 0; row < size; row++)
            for (int column = 0; column < size; column++) square[row, column] = h[row, column];
        return [.. DenseEigenvalues.Of(square).Select(e => new EigenvalueEstimate(e.Value, h[size, size - 1] * e.Last))];
    }

    private static double[] Values(Tensor vector)
    {
        using Tensor host = vector.cpu().contiguous();
        return host.data<double>().ToArray();
    }

    private static double Finite(double value) => double.IsFinite(value)
        ? value
        : throw new InvalidOperationException("The derivatives of a layer are not finite at a hidden state of this data.");
}

/// <summary>Computes eigenvalues of a small real matrix.</summary>
internal static class DenseEigenvalues
{
    /// <summary>Returns the eigenvalues, each with the absolute value of the last component of its unit eigenvector.</summary>
    /// <param name="matrix">A square matrix of finite numbers.</param>
    /// <exception cref="InvalidOperationException">The iteration does not converge.</exception>
    public static IReadOnlyList<(Complex Value, double Last)> Of(double[,] matrix)
    {
        Matrix<double> m = Matrix<double>.Build.DenseOfArray(matrix);
        double scale = m.Enumerate().Max(Math.Abs);
        // The iteration uses absolute thresholds, so the matrix is scaled. It does not converge for a zero matrix.
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
    /// Returns the last component of an eigenvector. A complex pair has the real and imaginary parts of its first eigenvector in two
    /// columns; the second eigenvector is its conjugate.
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
