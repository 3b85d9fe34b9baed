using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

/// <summary>Graphs of blocks that are kept from the way forward to the way back.</summary>
/// <param name="count">The number of functions of the stack.</param>
internal sealed class KeptGraphs(int count) : IDisposable
{
    private readonly BlockGraph?[] _graphs = new BlockGraph?[count];

    /// <summary>Keeps a graph; the result is its value without it, in the current dispose scope.</summary>
    public Tensor Keep(int layer, BlockGraph graph)
    {
        _graphs[layer] = graph;
        return graph.Value;
    }

    /// <summary>Gives a layer's graph away, if it is kept.</summary>
    public BlockGraph? Take(int layer)
    {
        BlockGraph? graph = _graphs[layer];
        _graphs[layer] = null;
        return graph;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        for (int layer = 0; layer < _graphs.Length; layer++) Take(layer)?.Dispose();
    }
}
