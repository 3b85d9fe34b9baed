using static TorchSharp.torch;
using Block = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;

namespace Microsoft.ML.Reversible.Stack;

/// <summary>
/// Computes products of vectors with Jᵀ, where J is the Jacobian of a function at a state, or the product J_n ... J_1 of several functions'
/// Jacobians, each at its own state. The graph of each function is made once, and a product is a backward pass through it. No function
/// needs to be twice differentiable.
/// </summary>
/// <remarks>
/// Jᵀ has J's eigenvalues. A vector is a perturbation of the whole state of one window, all tokens and channels. The tensors belong to the
/// dispose scope in which the object is made. Gradients of parameters are not changed.
/// </remarks>
internal sealed class TransposedJacobian
{
    private readonly List<(Tensor Leaf, Tensor F)> _graphs = [];

    /// <summary>Evaluates the functions.</summary>
    /// <param name="functions">
    /// The functions in the order in which they are applied, each with its state of shape [1, context, width].
    /// </param>
    public TransposedJacobian(IEnumerable<(Block F, Tensor State)> functions)
    {
        using var withGraph = enable_grad();
        foreach ((Block f, Tensor state) in functions)
        {
            Tensor leaf = state.detach().requires_grad_();
            _graphs.Add((leaf, f.call(leaf)));
        }
    }

    /// <summary>The length of the vectors.</summary>
    public long Size => _graphs[0].Leaf.numel();

    /// <summary>The device of the states.</summary>
    public Device Device => _graphs[0].Leaf.device;

    /// <summary>Returns Jᵀ v.</summary>
    /// <param name="vector">v, float64, of shape [context * width].</param>
    /// <returns>A tensor of the same type and shape, in the caller's dispose scope.</returns>
    public Tensor Apply(Tensor vector)
    {
        using var scope = NewDisposeScope();
        Tensor product = vector.view(_graphs[0].Leaf.shape);
        foreach ((Tensor leaf, Tensor f) in Enumerable.Reverse(_graphs)) product = Apply(leaf, f, product.to(f.dtype));
        return product.flatten().to(ScalarType.Float64).MoveToOuterDisposeScope();
    }

    private static Tensor Apply(Tensor leaf, Tensor f, Tensor vector)
    {
        if (!f.requires_grad) return zeros_like(leaf);
        autograd.backward([f], [vector], retain_graph: true, inputs: [leaf]);
        if (leaf.grad is not { } gradient) return zeros_like(leaf);
        Tensor product = gradient.clone();
        // Otherwise the next product would be added to this one.
        gradient.zero_();
        return product;
    }
}
