using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

/// <summary>Stores the stream before every block, as the block reads it, and evaluates each block once more on the way back.</summary>
internal sealed class CheckpointedPass(LayerStack stack, Tensor input, long seed) : StackPass(stack, input, seed, rebuilds: false)
{
    private readonly Tensor?[] _streams = new Tensor?[stack.Blocks.Count];

    private protected override Tensor Evaluate(int layer)
    {
        _streams[layer] = Layers.ForBlock(Current).DetachFromDisposeScope();
        return Stack.Blocks[layer].call(_streams[layer]!);
    }

    private protected override (Tensor Leaf, Tensor F) Graph(int layer) => Evaluate(layer, _streams[layer]!);

    private protected override void StepBack(int layer, Tensor f) => _streams[layer]!.Dispose();

    public override void Dispose()
    {
        foreach (Tensor? stream in _streams) stream?.Dispose();
        base.Dispose();
    }
}
