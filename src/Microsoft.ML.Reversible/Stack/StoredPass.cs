using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

/// <summary>Stores the graph of every block, with all its activations, on the way forward.</summary>
internal sealed class StoredPass(LayerStack stack, Tensor input, long seed) : StackPass(stack, input, seed, rebuilds: false)
{
    private readonly (Tensor Leaf, Tensor F)?[] _graphs = new (Tensor, Tensor)?[stack.Blocks.Count];

    private protected override Tensor Evaluate(int layer)
    {
        (Tensor leaf, Tensor f) = Evaluate(layer, Current);
        _graphs[layer] = (leaf.DetachFromDisposeScope(), f.DetachFromDisposeScope());
        return f.detach();
    }

    private protected override (Tensor Leaf, Tensor F) Graph(int layer) => _graphs[layer]!.Value;

    private protected override void StepBack(int layer, Tensor f) => Forget(layer);

    public override void Dispose()
    {
        for (int layer = 0; layer < _graphs.Length; layer++) Forget(layer);
        base.Dispose();
    }

    private void Forget(int layer)
    {
        _graphs[layer]?.F.Dispose();
        _graphs[layer]?.Leaf.Dispose();
        _graphs[layer] = null;
    }
}
