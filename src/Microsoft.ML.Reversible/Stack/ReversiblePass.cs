using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

/// <summary>
/// Keeps the last two streams (and p₀). The way back evaluates each f once more; that evaluation both rebuilds
/// <code>
///     p⁻ = (p⁺ - B p - C f(p)) / A
/// </code>
/// and makes the graph to differentiate, so the graph of one block is alive at a time.
/// </summary>
internal sealed class ReversiblePass(LayerStack stack, Tensor input, long seed) : StackPass(stack, input, seed, rebuilds: true)
{
    private protected override Tensor Evaluate(int layer) => Stack.Blocks[layer].call(Layers.ForBlock(Current));

    private protected override (Tensor Leaf, Tensor F) Graph(int layer) => Evaluate(layer, Previous);

    /// <summary>From (p_l, p_{l+1}) to (p_{l-1}, p_l).</summary>
    private protected override void StepBack(int layer, Tensor f)
    {
        if (layer == 0) return;
        Tensor before = layer == 1 ? Input : Stack.Scheme.Inverse(Layers[layer], Previous, Current, f).DetachFromDisposeScope();
        Free(Current);
        (Previous, Current) = (before, Previous);
        Layers[layer].Dispose();
    }
}
