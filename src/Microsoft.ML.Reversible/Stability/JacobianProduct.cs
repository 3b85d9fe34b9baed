using Microsoft.ML.Reversible.Kernels;
using Microsoft.ML.Reversible.Models;
using TorchSharp;
using static TorchSharp.torch;
using Block = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;

namespace Microsoft.ML.Reversible.Stability;

/// <summary>
/// J v and Jᵀ u of one function's Jacobian J at a state, with no difference quotient: Jᵀ u is a backward pass; it is linear in u, so
/// a second backward pass through the first gives J v as the gradient of ⟨Jᵀ u, v⟩ with respect to u.
/// </summary>
/// <remarks>
/// A vector is divided by its largest entry before a function's number type holds it, and multiplied back after, so that neither overflows.
/// Parameters' gradients are left as they are.
/// </remarks>
internal static class JacobianProduct
{
    /// <summary>
    /// A script because TorchSharp's <c>autograd.grad</c> ends the process where libtorch throws, as where memory runs out, and libtorch
    /// warns against <c>backward</c> with a graph on standard error.
    /// </summary>
    private static readonly ScriptFunction TwoBackwardPasses = new(
        "two_backward_passes",
        """
        def two_backward_passes(value, leaf, u, v):
            first : List[Optional[Tensor]] = [u]
            transposed = torch.autograd.grad([value], [leaf], first, True, True, True)[0]
            product : Optional[Tensor] = None
            if transposed is not None:
                if transposed.requires_grad:
                    second : List[Optional[Tensor]] = [v]
                    product = torch.autograd.grad([transposed], [u], second, False, False, True)[0]
            if product is None:
                return torch.zeros_like(u)
            return product
        """);

    /// <summary>J v.</summary>
    /// <param name="f">A function that is differentiable twice where attention is composed of plain operations.</param>
    /// <param name="state">Where, of shape [1, context, width].</param>
    /// <param name="vector">v, float64, of shape [context * width].</param>
    /// <returns>Of v's type and shape, in the caller's dispose scope.</returns>
    public static Tensor Of(Block f, Tensor state, Tensor vector) => Scaled(vector, unit =>
    {
        using var withGraph = enable_grad();
        using var composed = ComposedAttention.Use();
        Tensor leaf = state.detach().requires_grad_();
        Tensor value = f.call(leaf);
        if (!value.requires_grad) return zeros_like(vector);
        Tensor u = zeros_like(value).requires_grad_();
        return TwoBackwardPasses.TryInvoke(value, leaf, u, unit.view(leaf.shape).to(leaf.dtype))
            ?? throw new NotSupportedException("This libtorch cannot differentiate the gradients of a layer.");
    });

    /// <summary>Jᵀ u.</summary>
    /// <param name="f">The function.</param>
    /// <param name="state">Where, of shape [1, context, width].</param>
    /// <param name="vector">u, float64, of shape [context * width].</param>
    /// <returns>Of u's type and shape, in the caller's dispose scope.</returns>
    public static Tensor OfTransposed(Block f, Tensor state, Tensor vector) =>
        Scaled(vector, unit => new TransposedJacobian([(f, state)]).Apply(unit));

    private static Tensor Scaled(Tensor vector, Func<Tensor, Tensor> product)
    {
        using var scope = NewDisposeScope();
        double largest = vector.abs().max().ToDouble();
        Tensor result = largest == 0
            ? zeros_like(vector)
            : product(vector / largest).detach().flatten().to(ScalarType.Float64) * largest;
        return result.MoveToOuterDisposeScope();
    }
}
