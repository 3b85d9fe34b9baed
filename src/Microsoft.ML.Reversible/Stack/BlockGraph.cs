using static TorchSharp.torch;
using Block = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;

namespace Microsoft.ML.Reversible;

/// <summary>A block's value with its graph, to be differentiated once. It owns its tensors, outside every dispose scope.</summary>
internal sealed class BlockGraph : IDisposable
{
    private readonly GraphCuts? _cuts;
    private readonly Tensor _value;

    /// <summary>Evaluates a block.</summary>
    /// <param name="block">The block.</param>
    /// <param name="input">What it is evaluated at; its own graph is not followed.</param>
    /// <param name="cuts">Takes the places where the graph is cut, and belongs to this graph then; null where it is whole.</param>
    public BlockGraph(Block block, Tensor input, GraphCuts? cuts)
    {
        using var withGraph = enable_grad();
        _cuts = cuts;
        Leaf = input.detach().requires_grad_().DetachFromDisposeScope();
        try
        {
            _value = (cuts is null ? block.call(Leaf) : cuts.Call(block, Leaf)).DetachFromDisposeScope();
        }
        catch
        {
            cuts?.Dispose();
            Leaf.Dispose();
            throw;
        }
    }

    /// <summary>What the block was evaluated at, as a leaf: behind <see cref="Backward"/>, <c>grad</c> is its gradient.</summary>
    public Tensor Leaf { get; }

    /// <summary>The block's value without its graph, in the current dispose scope.</summary>
    public Tensor Value => _value.detach();

    /// <summary>The type of the value.</summary>
    public ScalarType Type => _value.dtype;

    /// <summary>Adds the gradients of the leaf and of the block's parameters to their <c>grad</c>.</summary>
    /// <param name="gradient">The gradient of the value, of its type.</param>
    public void Backward(Tensor gradient)
    {
        autograd.backward(_value, gradient);
        _cuts?.Backward();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _cuts?.Dispose();
        _value.Dispose();
        Leaf.Dispose();
    }
}
