using static TorchSharp.torch;
using Block = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;

namespace Microsoft.ML.Reversible;

/// <summary>
/// Jᵀ of one function at one state, or of the product J_n ... J_1 of several functions each at its own state, as products with vectors. A
/// product costs an ordinary backward pass of each function, whose graph is made once; no function needs to be differentiable twice.
/// </summary>
/// <remarks>
/// Jᵀ has J's eigenvalues. A vector is a perturbation of the whole state of one window, all its tokens and channels. The tensors belong to
/// the dispose scope in which the object is made; parameters' gradients are left as they are.
/// </remarks>
internal sealed class TransposedJacobian
{
    private readonly List<(Tensor Leaf, Tensor F)> _graphs = [];

    /// <summary>Evaluates the functions.</summary>
    /// <param name="functions">
    /// The functions in the order in which they act, each with the state of shape [1, context, width] that it is evaluated at.
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

    /// <summary>Length of the vectors.</summary>
    public long Size => _graphs[0].Leaf.numel();

    /// <summary>Where the states are.</summary>
    public Device Device => _graphs[0].Leaf.device;

    /// <summary>Jᵀv.</summary>
    /// <param name="vector">v, float64, of shape [context * width].</param>
    /// <returns>Of the same type and shape, in the caller's dispose scope.</returns>
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
        // The next product would be added to this one.
        gradient.zero_();
        return product;
    }
}
