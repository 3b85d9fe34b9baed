using Microsoft.ML.Reversible.Stack;
using TorchSharp;
using static TorchSharp.torch;
using Block = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;

namespace Microsoft.ML.Reversible.Retrofit;

/// <summary>Computes the largest singular value of a function's Jacobian at a state, by power iteration with JᵀJ.</summary>
/// <remarks>
/// Jᵀu is an ordinary backward pass. Jv would need a twice differentiable function, which fused attention is not, so a central difference
/// replaces it. Its error only affects the direction of the search: the result is ‖Jᵀu‖ for a unit vector u, which never exceeds the true
/// value except for rounding.
/// </remarks>
internal static class LargestSingularValue
{
    private const int MaxIterations = 40;
    private const double Tolerance = 1e-4;

    /// <summary>Returns the value.</summary>
    /// <param name="f">The function.</param>
    /// <param name="state">The state, of shape [1, context, width].</param>
    /// <param name="seed">The seed of the start vector.</param>
    /// <exception cref="InvalidOperationException">A product is not finite.</exception>
    public static double Of(Block f, Tensor state, int seed)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        var transposed = new TransposedJacobian([(f, state)]);
        Tensor u = Start(transposed, seed);
        double part = Part(f.call(state).dtype);
        double found = 0;
        for (int i = 0; i < MaxIterations; i++)
        {
            using var step = NewDisposeScope();
            Tensor v = transposed.Apply(u);
            double size = Norm(v);
            bool settled = size <= found * (1 + Tolerance);
            found = Math.Max(found, size);
            if (settled || size == 0) break;
            Tensor next = Difference(f, state, v.div_(size), part);
            double norm = Norm(next);
            if (norm == 0) break;
            u.copy_(next.div_(norm));
        }
        return found;
    }

    private static Tensor Start(TransposedJacobian jacobian, int seed)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(unchecked((ulong)seed));
        Tensor start = randn([jacobian.Size], dtype: ScalarType.Float64, device: CPU, generator: random).to(jacobian.Device);
        return (start / start.norm()).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Returns (f(x + εv) - f(x - εv)) / 2ε. ε is chosen so that no token moves by more than <paramref name="part"/> times the size of a
    /// typical token.
    /// </summary>
    private static Tensor Difference(Block f, Tensor state, Tensor direction, double part)
    {
        Tensor v = direction.view(state.shape).to(state.dtype);
        double typical = Norm(state) / Math.Sqrt(state.shape[1]), largest = v.to(ScalarType.Float64).square().sum(2).max().ToDouble();
        double epsilon = (typical > 0 ? typical : 1) / Math.Sqrt(largest) * part;
        Tensor ahead = f.call(state + v * epsilon).to(ScalarType.Float64), behind = f.call(state - v * epsilon).to(ScalarType.Float64);
        return (ahead - behind).flatten().div_(2 * epsilon);
    }

    /// <summary>
    /// Returns the cube root of f's rounding error. At that distance, the errors from rounding and from curvature are about equal.
    /// </summary>
    private static double Part(ScalarType type) => Math.Cbrt(type switch
    {
        ScalarType.Float64 => Math.ScaleB(1, -52),
        ScalarType.BFloat16 => Math.ScaleB(1, -7),
        _ => Math.ScaleB(1, -23),
    });

    private static double Norm(Tensor x) => x.to(ScalarType.Float64).norm().ToDouble() is var norm && double.IsFinite(norm)
        ? norm
        : throw new InvalidOperationException("The derivatives of a layer are not finite at a state of this data.");
}
