using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

/// <summary>
/// Some rows of a batch on their way through a stack and back. The ways back differ only in where a block's graph comes from; the
/// gradients of the streams take one and the same path in all of them. With g = dL/dp⁺:
/// <code>
///     dL/dp += B g + J_f(p)ᵀ C g       dL/dp⁻ += A g       dL/dθ += (∂f/∂θ)ᵀ C g
/// </code>
/// </summary>
/// <remarks>A lane owns what it keeps, outside every dispose scope.</remarks>
internal abstract class Lane : IDisposable
{
    private readonly FusedUpdate? _gradients;
    private Tensor? _gradCurrent;
    private Tensor? _gradNext;

    private protected Lane(LayerStack stack, Tensor input, RowRange rows, long seed, bool rebuilds, bool keepsStreams)
    {
        (Stack, Rows) = (stack, rows);
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        Layers = new LayerList(stack, input, rows, seed, rebuilds, keepsStreams);
        _gradients = FusedUpdate.For(input.device, Layers.BlockType, input.dtype, grid: null);
        Input = Previous = Current = Layers.Enter(rows.Of(input.detach())).DetachFromDisposeScope();
    }

    /// <summary>The rows.</summary>
    public RowRange Rows { get; }

    /// <summary>The layers, for these rows.</summary>
    public LayerList Layers { get; }

    /// <summary>The output, in the input's type, when the lane has gone all the way.</summary>
    public Tensor? Output { get; private set; }

    private protected LayerStack Stack { get; }

    /// <summary>p₀, kept by all ways: it costs one stream and would be the least exact to rebuild.</summary>
    private protected Tensor Input { get; }

    /// <summary>p_l where the lane stands, and the stream before it; one and the same tensor at the start.</summary>
    private protected Tensor Previous { get; set; }

    private protected Tensor Current { get; set; }

    /// <summary>One layer forward. Nothing is differentiated here.</summary>
    public void StepForward(int l)
    {
        using var scope = NewDisposeScope();
        Tensor f = Evaluate(l), previous = Owned(Previous);
        Tensor next = Stack.Scheme.Step(Layers[l], previous, Current, f).DetachFromDisposeScope();
        if (!ReferenceEquals(next, Previous)) Free(Previous);
        (Previous, Current) = (Current, next);
    }

    /// <summary>Reads the output out.</summary>
    public void ReadOut()
    {
        using var scope = NewDisposeScope();
        Layers.Watch(Current);
        Output = Layers.ReadOut(Previous, Current).DetachFromDisposeScope();
    }

    /// <summary>Gives the output away, to be disposed of by the caller.</summary>
    public Tensor TakeOutput()
    {
        Tensor output = Output!;
        Output = null;
        return output;
    }

    /// <summary>Starts the way back; the gradient of the output is used up and disposed of: its memory must not outlive its use.</summary>
    public void Turn(Tensor gradient, Func<int, RowRange, Tensor, Tensor?>? streamGradient)
    {
        Output?.Dispose();
        using var scope = NewDisposeScope();
        (Tensor? gradCurrent, Tensor gradNext) = Layers.ReadOutAdjoint(gradient.detach());
        if (streamGradient?.Invoke(Layers.Count, Rows, Layers.ForBlock(Current)) is { } own) gradNext.add_(own);
        _gradCurrent = gradCurrent?.DetachFromDisposeScope();
        _gradNext = gradNext.DetachFromDisposeScope();
        gradient.Dispose();
    }

    /// <summary>One layer back: from the gradients of p_l and p_{l+1} to those of p_{l-1} and p_l.</summary>
    public void StepBack(int l, Func<int, RowRange, Tensor, Tensor?>? streamGradient)
    {
        using var scope = NewDisposeScope();
        using BlockGraph graph = TakeGraph(l);
        Tensor gradOfF = Stack.Scheme.StepAdjointOfF(Layers[l], _gradNext!);
        graph.Backward(_gradients?.TakeRead(gradOfF) ?? gradOfF.to(graph.Type));
        if (!ReferenceEquals(gradOfF, _gradNext)) gradOfF.Dispose();

        using var noGraph = no_grad();
        (Tensor? toPrevious, Tensor? toCurrent) = Stack.Scheme.StepAdjoint(Layers[l], _gradNext!, _gradCurrent);
        Tensor ofLeaf = graph.Leaf.grad!;
        Tensor gradP = toCurrent is null
            ? ofLeaf.to(_gradNext!.dtype)
            : streamGradient is null && _gradients?.TryAdd(toCurrent, ofLeaf, 1) is { } sum ? sum : toCurrent.add_(ofLeaf);
        if (streamGradient?.Invoke(l, Rows, graph.Leaf.detach()) is { } own) gradP.add_(own);
        Replace(toPrevious?.DetachFromDisposeScope(), gradP.DetachFromDisposeScope());
        BeforeLayer(l, graph.Value);
    }

    /// <summary>The gradient of p_l where the way back ends, in the caller's dispose scope.</summary>
    public Tensor Finish()
    {
        using var noGraph = no_grad();
        Tensor result = _gradCurrent is null ? _gradNext!.alias() : _gradNext!.add(_gradCurrent);
        Replace(null, null);
        return result;
    }

    /// <summary>f of the current stream on the way forward, in the current dispose scope; keeps what the way back needs of it.</summary>
    private protected abstract Tensor Evaluate(int layer);

    /// <summary>f with its graph, to be disposed of by the caller.</summary>
    private protected abstract BlockGraph TakeGraph(int layer);

    /// <summary>Called when a layer's gradients are done, with its f without the graph: to stand before it.</summary>
    private protected virtual void BeforeLayer(int layer, Tensor f)
    {
    }

    /// <summary>f at what a block reads, without a graph, in the current dispose scope.</summary>
    private protected Tensor Call(int layer, Tensor read)
    {
        using GraphCuts? cuts = NewCuts();
        return cuts is null ? Stack.Blocks[layer].call(read) : cuts.Call(Stack.Blocks[layer], read);
    }

    /// <summary>f at a stream, with its graph.</summary>
    private protected BlockGraph Graph(int layer, Tensor stream) => new(Stack.Blocks[layer], Layers.ForBlock(stream), NewCuts());

    private GraphCuts? NewCuts() => Stack.Deterministic ? new GraphCuts() : null;

    /// <summary>A stream that a scheme may use up: the input is kept, and so a copy stands for it.</summary>
    private protected Tensor Owned(Tensor stream) =>
        ReferenceEquals(stream, Input) && Layers.UsesUpStreams ? stream.clone() : stream;

    private protected void Free(Tensor stream)
    {
        if (!ReferenceEquals(stream, Input)) stream.Dispose();
    }

    /// <inheritdoc/>
    public virtual void Dispose()
    {
        Output?.Dispose();
        Previous.Dispose();
        Current.Dispose();
        Input.Dispose();
        Replace(null, null);
        Layers.Dispose();
        _gradients?.Dispose();
    }

    private void Replace(Tensor? gradCurrent, Tensor? gradNext)
    {
        foreach (Tensor? old in (Tensor?[])[_gradCurrent, _gradNext])
        {
            if (!ReferenceEquals(old, gradCurrent) && !ReferenceEquals(old, gradNext)) old?.Dispose();
        }
        (_gradCurrent, _gradNext) = (gradCurrent, gradNext);
    }
}
