using System.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Stability;

/// <summary>Computes the largest singular value of a matrix T from its products with vectors.</summary>
/// <param name="apply">Returns T v for a float64 vector v.</param>
/// <param name="applyTransposed">Returns Tᵀ u.</param>
/// <param name="size">The length of v.</param>
internal sealed class LargestAmplification(Func<Tensor, Tensor> apply, Func<Tensor, Tensor> applyTransposed, long size)
{
    /// <summary>The iteration ends when ‖TᵀT v - θ v‖ is at most this fraction of θ.</summary>
    private const double Tolerance = 1e-4;

    /// <summary>
    /// Runs the Lanczos iteration with TᵀT. v₁ is random, and
    /// <code>
    ///     β_i v_{i+1} = TᵀT v_i - α_i v_i - β_{i-1} v_{i-1}          α_i = v_iᵀ TᵀT v_i
    /// </code>
    /// with β_i such that v_{i+1} has length 1. The largest eigenvalue θ of the tridiagonal matrix of the α and β converges to σ² from
    /// below.
    /// </summary>
    /// <param name="dimension">The maximum number of steps, at least 1.</param>
    /// <param name="seed">The seed of the start vector.</param>
    /// <param name="device">The device of the vectors.</param>
    /// <param name="cancellationToken">Cancels the iteration between two products.</param>
    /// <returns>σ, which never exceeds the true value except for rounding; infinity if it is outside the range of float64.</returns>
    public double Find(int dimension, int seed, Device device, CancellationToken cancellationToken)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        Tensor current = Start(seed, device), previous = zeros_like(current);
        List<double> alphas = [], betas = [];
        double scale = 0;
        while (true)
        {
            using var step = NewDisposeScope();
            cancellationToken.ThrowIfCancellationRequested();
            Tensor image = apply(current);
            // The iteration uses T / scale, because the squares of a large T would overflow float64.
            if (betas.Count == 0) scale = image.abs().max().ToDouble();
            if (scale == 0) return 0;
            cancellationToken.ThrowIfCancellationRequested();
            Tensor product = applyTransposed(image / scale) / scale;
            if (betas.Count > 0) product = product - previous * betas[^1];
            double alpha = product.dot(current).ToDouble();
            product = product - current * alpha;
            double beta = product.norm().ToDouble();
            if (!double.IsFinite(alpha) || !double.IsFinite(beta)) return double.PositiveInfinity;
            alphas.Add(alpha);
            (double theta, double residual) = LargestRitz(alphas, betas, beta);
            if (alphas.Count == dimension || residual <= Tolerance * theta) return scale * Math.Sqrt(Math.Max(theta, 0));
            betas.Add(beta);
            previous.copy_(current);
            current.copy_(product / beta);
        }
    }

    private Tensor Start(int seed, Device device)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(unchecked((ulong)seed));
        Tensor start = randn([size], dtype: ScalarType.Float64, device: CPU, generator: random).to(device);
        return (start / start.norm()).MoveToOuterDisposeScope();
    }

    /// <summary>Returns the largest eigenvalue θ of the tridiagonal matrix, and ‖TᵀT v - θ v‖ for its Ritz vector v.</summary>
    private static (double Theta, double Residual) LargestRitz(List<double> alphas, List<double> betas, double last)
    {
        var matrix = new double[alphas.Count, alphas.Count];
        for (int i = 0; i < alphas.Count; i++) matrix[i, i] = alphas[i];
        for (int i = 0; i < betas.Count; i++) matrix[i, i + 1] = matrix[i + 1, i] = betas[i];
        (Complex value, double component) = DenseEigenvalues.Of(matrix).MaxBy(e => e.Value.Real);
        return (value.Real, last * component);
    }
}
