using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

/// <summary>The reference: automatic differentiation stores every activation of every layer.</summary>
internal sealed class StoredPass : StackPass
{
    private readonly Tensor _input;
    private readonly Tensor _graph;

    public StoredPass(LayerStack stack, Tensor input)
    {
        using var scope = NewDisposeScope();
        using (enable_grad())
        {
            _input = input.detach().requires_grad_().DetachFromDisposeScope();
            _graph = stack.Evaluate(_input).DetachFromDisposeScope();
        }
        Output = _graph.detach().DetachFromDisposeScope();
    }

    public override Tensor Output { get; }

    private protected override Tensor BackwardCore(Tensor gradient)
    {
        autograd.backward([_graph], [gradient]);
        _graph.Dispose();
        return _input.grad!;
    }

    public override void Dispose()
    {
        _graph.Dispose();
        _input.Dispose();
        Output.Dispose();
    }
}
