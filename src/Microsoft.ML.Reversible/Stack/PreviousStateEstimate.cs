using static TorchSharp.torch;
using Block = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;

namespace Microsoft.ML.Reversible;

/// <summary>
/// The stream before a residual layer from the stream behind it, by fixed-point steps: where p = p⁻ + f(p⁻),
/// <code>
///     y₀ = p       yᵢ₊₁ = p - f(yᵢ)       E(p) = y_m = p - e(p)       with e(p) = f(y_{m-1})
/// </code>
/// The steps come nearer to p⁻ only where f is a contraction: the error after m of them is about Lip(f)ᵐ ‖f‖.
/// </summary>
/// <remarks>Not a module, so that what holds an estimate beside a module of its own does not take over f's parameters.</remarks>
/// <param name="f">The layer's function.</param>
/// <param name="steps">m, at least 1.</param>
internal sealed class PreviousStateEstimate(Block f, int steps)
{
    private readonly int _attentionsOfStep = f.AttentionCount();

    /// <summary>The attentions that an estimate evaluates: those of f, once a step, each at an input of its own.</summary>
    public int AttentionCount => steps * _attentionsOfStep;

    /// <summary>e(p) = p - E(p).</summary>
    /// <param name="p">The stream behind the layer, of shape [batch, context, width].</param>
    /// <param name="at">Where the first attention stands in a cache; null where nothing is kept.</param>
    /// <returns>Of p's shape and type, in the caller's dispose scope.</returns>
    public Tensor Increment(Tensor p, CacheLayer? at = null)
    {
        using var scope = NewDisposeScope();
        Tensor increment = Evaluate(p, at);
        for (int step = 1; step < steps; step++) increment = Evaluate(p - increment, at?.Behind(step * _attentionsOfStep));
        return increment.MoveToOuterDisposeScope();
    }

    private Tensor Evaluate(Tensor y, CacheLayer? at) => f.At(y, at).to(y.dtype);
}
