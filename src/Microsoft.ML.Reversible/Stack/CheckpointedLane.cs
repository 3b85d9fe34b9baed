using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

/// <summary>Stores the stream before every block, as the block reads it, and evaluates each block once more on the way back.</summary>
internal sealed class CheckpointedLane(LayerStack stack, Tensor input, RowRange rows, long seed)
    : Lane(stack, input, rows, seed, rebuilds: false, keepsStreams: true)
{
    private readonly Tensor?[] _streams = new Tensor?[stack.Blocks.Count];

    private protected override Tensor Evaluate(int layer)
    {
        _streams[layer] = Layers.ForBlock(Current).DetachFromDisposeScope();
        return Call(layer, _streams[layer]!);
    }

    private protected override BlockGraph TakeGraph(int layer) => Graph(layer, _streams[layer]!);

    private protected override void BeforeLayer(int layer, Tensor f) => _streams[layer]!.Dispose();

    public override void Dispose()
    {
        foreach (Tensor? stream in _streams) stream?.Dispose();
        base.Dispose();
    }
}
