using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

/// <summary>Stores the graph of every block, with all its activations, on the way forward.</summary>
internal sealed class StoredLane(LayerStack stack, Tensor input, RowRange rows, long seed)
    : Lane(stack, input, rows, seed, rebuilds: false, keepsStreams: true)
{
    private readonly KeptGraphs _graphs = new(stack.Blocks.Count);

    private protected override Tensor Evaluate(int layer) => _graphs.Keep(layer, Graph(layer, Current));

    private protected override BlockGraph TakeGraph(int layer) => _graphs.Take(layer)!;

    public override void Dispose()
    {
        _graphs.Dispose();
        base.Dispose();
    }
}
