using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

/// <summary>
/// Keeps the last two streams (and p₀). The way back evaluates each f once more; that evaluation both rebuilds
/// <code>
///     p⁻ = (p⁺ - B p - C f(p)) / A
/// </code>
/// and makes the graph to differentiate, so the graph of one block is alive at a time. The graphs of the last layers may be kept from the
/// way forward instead: what that takes does not grow with depth, and each saves an evaluation.
/// </summary>
internal sealed class ReversibleLane : Lane
{
    private readonly KeptGraphs _graphs;
    private readonly int _firstKept;

    public ReversibleLane(LayerStack stack, Tensor input, RowRange rows, long seed)
        : base(stack, input, rows, seed, rebuilds: true, keepsStreams: false)
    {
        _graphs = new KeptGraphs(stack.Blocks.Count);
        _firstKept = stack.Blocks.Count - stack.KeptLayerCount;
    }

    private protected override Tensor Evaluate(int layer)
    {
        if (layer < _firstKept) return Call(layer, Layers.ForBlock(Current));
        // What a graph has read must not be used up as a stream.
        using Tensor? copy = Layers.ReadsInPlace ? Current.clone() : null;
        return _graphs.Keep(layer, Graph(layer, copy ?? Current));
    }

    private protected override BlockGraph TakeGraph(int layer) => _graphs.Take(layer) ?? Graph(layer, Previous);

    /// <summary>From (p_l, p_{l+1}) to (p_{l-1}, p_l).</summary>
    private protected override void BeforeLayer(int layer, Tensor f)
    {
        if (layer == 0) return;
        Tensor before = layer == 1 ? Input : Stack.Scheme.Inverse(Layers[layer], Previous, Current, f).DetachFromDisposeScope();
        if (!ReferenceEquals(before, Current)) Free(Current);
        (Previous, Current) = (before, Previous);
        Layers[layer].Dispose();
    }

    public override void Dispose()
    {
        _graphs.Dispose();
        base.Dispose();
    }
}
