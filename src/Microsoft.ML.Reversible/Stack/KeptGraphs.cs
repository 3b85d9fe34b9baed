using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

/// <summary>Graphs of blocks that are kept from the way forward to the way back, outside every dispose scope.</summary>
/// <param name="count">The number of functions of the stack.</param>
internal sealed class KeptGraphs(int count) : IDisposable
{
    private readonly (Tensor Leaf, Tensor F)?[] _graphs = new (Tensor, Tensor)?[count];

    /// <summary>Keeps a graph; the result is its value without it, in the current dispose scope.</summary>
    public Tensor Keep(int layer, (Tensor Leaf, Tensor F) graph)
    {
        _graphs[layer] = (graph.Leaf.DetachFromDisposeScope(), graph.F.DetachFromDisposeScope());
        return graph.F.detach();
    }

    /// <summary>A layer's leaf and value, if they are kept.</summary>
    public (Tensor Leaf, Tensor F)? Of(int layer) => _graphs[layer];

    /// <summary>Frees a layer's graph, if it is kept.</summary>
    public void Forget(int layer)
    {
        _graphs[layer]?.F.Dispose();
        _graphs[layer]?.Leaf.Dispose();
        _graphs[layer] = null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        for (int layer = 0; layer < _graphs.Length; layer++) Forget(layer);
    }
}
