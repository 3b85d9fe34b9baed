using Microsoft.ML.Reversible.Kernels;
using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Reversible.Stack;
using TorchSharp;
using static TorchSharp.torch;
using Block = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;

namespace Microsoft.ML.Reversible.Stability;

/// <summary>
/// The derivative T of (p₀, p₋₁) ↦ (p_L, p_{L-1}) over a whole stack at the states of one window, its inverse, and the transposes of both,
/// as products with vectors. With J the Jacobian of f_l at p_l, a layer is
/// <code>
///     (x, y) ↦ (B x + C J x + A y, x)          inverse: (z, x) ↦ (x, (z - B x - C J x) / A)
/// </code>
/// </summary>
/// <remarks>
/// A first layer with A = 0, the Euler start, does not depend on p₋₁; T⁻¹ then ends at (p₁, p₀). If A is 0 in every layer, as in a residual
/// network, T is the derivative of p₀ ↦ p_L, and the other state of its vectors is 0. A product costs a few passes of each function, and
/// holds the autograd graph of one function at a time.
/// </remarks>
/// <param name="functions">The functions f_l in order.</param>
/// <param name="steps">The recurrence of each.</param>
/// <param name="states">Returns p_l, at which function l is evaluated.</param>
internal sealed class StackMap(IReadOnlyList<Block> functions, IReadOnlyList<Recurrence> steps, Func<int, Tensor> states)
{
    private readonly bool _hasTwoStates = steps.Any(step => step.A != 0);
    private readonly int _firstInvertible = steps.Count - steps.Reverse().TakeWhile(step => step.A != 0).Count();

    /// <summary>Whether the layers have an inverse, except perhaps the first.</summary>
    public bool HasInverse => _firstInvertible <= 1 && _firstInvertible < steps.Count;

    /// <summary>The length of a vector: two hidden states.</summary>
    public long Size => 2 * states(0).numel();

    /// <summary>The device of the states.</summary>
    public Device Device => states(0).device;

    /// <summary>Returns T v.</summary>
    /// <param name="pair">v, float64, of shape [2 * context * width], the later state first. All vectors here have this form.</param>
    /// <returns>A vector of the same form, in the caller's dispose scope.</returns>
    public Tensor Forward(Tensor pair) => Product(pair, steps.Select((_, l) => l), (l, x, y) =>
    {
        (double a, double b, double c) = steps[l];
        return (x * b + J(l, x) * c + y * a, x);
    });

    /// <summary>Returns Tᵀ u.</summary>
    public Tensor ForwardTransposed(Tensor pair) => Product(pair, steps.Select((_, l) => l).Reverse(), (l, x, y) =>
    {
        (double a, double b, double c) = steps[l];
        return (x * b + Transposed(l, x) * c + y, x * a);
    });

    /// <summary>Returns T⁻¹ v. There must be an inverse.</summary>
    public Tensor Inverse(Tensor pair) => Product(pair, Invertible.Reverse(), (l, z, x) =>
    {
        (double a, double b, double c) = steps[l];
        return (x, (z - x * b - J(l, x) * c) / a);
    });

    /// <summary>Returns T⁻ᵀ u. There must be an inverse.</summary>
    public Tensor InverseTransposed(Tensor pair) => Product(pair, Invertible, (l, x, y) =>
    {
        (double a, double b, double c) = steps[l];
        return (y / a, x - (y * b + Transposed(l, y) * c) / a);
    });

    private IEnumerable<int> Invertible => Enumerable.Range(_firstInvertible, steps.Count - _firstInvertible);

    private Tensor J(int l, Tensor vector) => JacobianProduct.Of(functions[l], states(l), vector);

    private Tensor Transposed(int l, Tensor vector) => JacobianProduct.OfTransposed(functions[l], states(l), vector);

    private Tensor Product(Tensor pair, IEnumerable<int> order, Func<int, Tensor, Tensor, (Tensor, Tensor)> step)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        Tensor[] halves = pair.chunk(2);
        (Tensor first, Tensor second) = (halves[0], Other(halves[1]));
        foreach (int l in order)
        {
            using var layer = NewDisposeScope();
            (Tensor x, Tensor y) = step(l, first, second);
            (first, second) = (x.MoveToOuterDisposeScope(), y.MoveToOuterDisposeScope());
        }
        return cat([first, Other(second)]).MoveToOuterDisposeScope();
    }

    /// <summary>Returns the second state, or 0 if the recurrence has only one.</summary>
    private Tensor Other(Tensor state) => _hasTwoStates ? state : zeros_like(state);
}

/// <summary>
/// Computes J v and Jᵀ u for a function's Jacobian J at a state, without difference quotients. Jᵀ u is a backward pass. It is linear in u,
/// so a second backward pass through the first gives J v as the gradient of ⟨Jᵀ u, v⟩ with respect to u.
/// </summary>
/// <remarks>
/// To avoid overflow, a vector is divided by its largest entry before it is converted to the function's number type, and the result is
/// multiplied by it. Gradients of parameters are not changed.
/// </remarks>
internal static class JacobianProduct
{
    /// <summary>
    /// A TorchScript function is used because TorchSharp's <c>autograd.grad</c> ends the process when libtorch throws, for example when
    /// memory runs out, and because libtorch prints a warning for <c>backward</c> with a graph.
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

    /// <summary>Returns J v.</summary>
    /// <param name="f">A function that is twice differentiable with composed attention.</param>
    /// <param name="state">The state, of shape [1, context, width].</param>
    /// <param name="vector">v, float64, of shape [context * width].</param>
    /// <returns>A tensor of v's type and shape, in the caller's dispose scope.</returns>
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

    /// <summary>Returns Jᵀ u.</summary>
    /// <param name="f">The function.</param>
    /// <param name="state">The state, of shape [1, context, width].</param>
    /// <param name="vector">u, float64, of shape [context * width].</param>
    /// <returns>A tensor of u's type and shape, in the caller's dispose scope.</returns>
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
