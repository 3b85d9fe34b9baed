using static TorchSharp.torch;
using Block = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;

namespace Microsoft.ML.Reversible;

/// <summary>
/// f_j(p) + a e_j(p), where e_j(p) estimates f_{j-1} at the hidden state that p came from. Its parameters are those of block j alone;
/// gradients reach block j - 1 as well, before its own layer is run back.
/// </summary>
internal sealed class EstimatedFunction : nn.Module<Tensor, Tensor>, IContextFunction
{
    private readonly Block _block;
    private readonly PreviousStateEstimate _estimate;
    private readonly double _factor;

    /// <summary>Makes the function.</summary>
    /// <param name="block">f_j.</param>
    /// <param name="estimate">The estimate by f_{j-1}.</param>
    /// <param name="factor">a.</param>
    public EstimatedFunction(Block block, PreviousStateEstimate estimate, double factor) : base(nameof(EstimatedFunction))
    {
        _block = block;
        _estimate = estimate;
        _factor = factor;
        RegisterComponents();
    }

    public override Tensor forward(Tensor input) => Forward(input, null);

    /// <inheritdoc/>
    public Tensor Forward(Tensor input, EvaluationContext? context)
    {
        using var scope = NewDisposeScope();
        // In the hidden state's type: the sum of two bfloat16 values would be rounded to bfloat16 once more.
        Tensor own = _block.At(input, context).to(input.dtype);
        return (own + _estimate.Increment(input, context) * _factor).MoveToOuterDisposeScope();
    }
}

/// <summary>
/// Estimates the hidden state before a residual layer from the one after it by fixed-point steps. Where p = p⁻ + f(p⁻),
/// <code>
///     y₀ = p       yᵢ₊₁ = p - f(yᵢ)       E(p) = y_m = p - e(p)       with e(p) = f(y_{m-1})
/// </code>
/// The steps converge to p⁻ only where f is a contraction: the error after m of them is about Lip(f)ᵐ ‖f‖.
/// </summary>
/// <remarks>Not a module: a module that holds an estimate must not take over f's parameters.</remarks>
/// <param name="f">The layer's function.</param>
/// <param name="steps">m, at least 1.</param>
internal sealed class PreviousStateEstimate(Block f, int steps)
{
    /// <summary>Computes e(p) = p - E(p).</summary>
    /// <param name="p">The hidden state after the layer, of shape [batch, context, width].</param>
    /// <param name="context">The context of the evaluation; null where there is none.</param>
    /// <returns>A tensor of p's shape and type, in the caller's dispose scope.</returns>
    public Tensor Increment(Tensor p, EvaluationContext? context = null)
    {
        using var scope = NewDisposeScope();
        Tensor increment = Evaluate(p, context);
        for (int step = 1; step < steps; step++) increment = Evaluate(p - increment, context);
        return increment.MoveToOuterDisposeScope();
    }

    private Tensor Evaluate(Tensor y, EvaluationContext? context) => f.At(y, context).to(y.dtype);
}
