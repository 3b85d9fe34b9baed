using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

/// <summary>One run of a <see cref="LayerStack"/>: its output, and the way back from there.</summary>
/// <remarks>
/// A pass owns what it keeps, outside every dispose scope, and frees it on <see cref="Dispose"/> even where
/// <see cref="Backward"/> was never called.
/// </remarks>
public abstract class StackPass : IDisposable
{
    private bool _spent;

    private protected StackPass()
    {
    }

    /// <summary>p_L, of shape [batch, context, width], owned by the pass and without a graph.</summary>
    public abstract Tensor Output { get; }

    /// <summary>Adds the parameters' gradients to their <c>grad</c> and returns the gradient of the input.</summary>
    /// <param name="gradient">dL/dp_L, of shape [batch, context, width].</param>
    /// <returns>dL/dp₀, of the same shape, in the caller's dispose scope.</returns>
    /// <exception cref="InvalidOperationException">The pass has been run back before: what it kept is used up.</exception>
    public Tensor Backward(Tensor gradient)
    {
        if (_spent) throw new InvalidOperationException("This pass has been run back already; run the stack forward again.");
        _spent = true;
        return BackwardCore(gradient);
    }

    private protected abstract Tensor BackwardCore(Tensor gradient);

    /// <summary>Frees what the pass keeps.</summary>
    public abstract void Dispose();
}
