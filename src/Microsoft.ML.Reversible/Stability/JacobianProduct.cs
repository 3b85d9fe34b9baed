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
/// These are calls of <c>backward</c> because TorchSharp's <c>autograd.grad</c> ends the process where libtorch throws.
/// A vector is divided by its largest entry before a function's number type holds it, and multiplied back after, so that neither overflows.
/// Parameters' gradients are left as they are.
/// </remarks>
internal static class JacobianProduct
{
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
        try
        {
            autograd.backward([value], [u], retain_graph: true, create_graph: true, inputs: [leaf]);
            if (leaf.grad is not { requires_grad: true } transposed) return zeros_like(vector);
            autograd.backward([transposed], [unit.view(leaf.shape).to(leaf.dtype)], inputs: [u]);
            return u.grad!;
        }
        finally
        {
            // A gradient with a graph holds its leaf, which holds the gradient.
            leaf.grad = null;
        }
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
