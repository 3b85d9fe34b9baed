using Microsoft.ML.Reversible.Kernels;
using Microsoft.ML.Reversible.Schemes;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Stack;

/// <summary>
/// Runs some rows of a batch through a stack, forward and backward. The backward modes differ only in where a block's graph comes from;
/// the gradients of the hidden states are computed in the same way in all of them. With g = dL/dp⁺:
/// <code>
///     dL/dp += B g + J_f(p)ᵀ C g       dL/dp⁻ += A g       dL/dθ += (∂f/∂θ)ᵀ C g
/// </code>
/// </summary>
/// <remarks>It owns what it keeps, outside every dispose scope.</remarks>
internal abstract class BatchPart : IDisposable
{
    private readonly PartContext? _context;
    private readonly FusedUpdate? _gradients;
    private Tensor? _gradCurrent;
    private Tensor? _gradNext;

    private protected BatchPart(LayerStack stack, Tensor input, RowRange rows, PassSettings settings, bool rebuilds, bool keepsStates)
    {
        (Stack, Rows) = (stack, rows);
        _context = PartContext.For(settings, input, rows);
        try
        {
            using var scope = NewDisposeScope();
            using var noGraph = no_grad();
            Layers = new LayerList(stack, input, rows, settings.Seed, rebuilds, keepsStates);
            _gradients = FusedUpdate.For(input.device, Layers.BlockType, input.dtype, grid: null);
            Input = Previous = Current = Layers.Enter(rows.Of(input.detach())).DetachFromDisposeScope();
        }
        catch
        {
            _context?.Dispose();
            _gradients?.Dispose();
            Layers?.Dispose();
            throw;
        }
    }

    /// <summary>The rows.</summary>
    public RowRange Rows { get; }

    /// <summary>The layers of the pass over these rows.</summary>
    public LayerList Layers { get; }

    /// <summary>The output, in the input's type; null until <see cref="ReadOut"/> has computed it.</summary>
    public Tensor? Output { get; private set; }

    private protected LayerStack Stack { get; }

    /// <summary>p₀. All modes keep it: it is only one hidden state, and the one that would be rebuilt with the largest error.</summary>
    private protected Tensor Input { get; }

    /// <summary>p_{l-1} before layer l; the same tensor as <see cref="Current"/> at the start.</summary>
    private protected Tensor Previous { get; set; }

    /// <summary>p_l before layer l.</summary>
    private protected Tensor Current { get; set; }

    /// <summary>Runs one layer forward. The scheme's step is not recorded in a graph.</summary>
    public void StepForward(int l)
    {
        using var scope = NewDisposeScope();
        Tensor f = Evaluate(l), previous = Owned(Previous);
        Tensor next = Stack.Scheme.Step(Layers[l], previous, Current, f).DetachFromDisposeScope();
        if (!ReferenceEquals(next, Previous)) Free(Previous);
        (Previous, Current) = (Current, next);
    }

    /// <summary>Computes the output.</summary>
    public void ReadOut()
    {
        using var scope = NewDisposeScope();
        Layers.Watch(Current);
        Output = Layers.ReadOut(Previous, Current).DetachFromDisposeScope();
    }

    /// <summary>Returns the output, to be disposed of by the caller.</summary>
    public Tensor TakeOutput()
    {
        Tensor output = Output!;
        Output = null;
        return output;
    }

    /// <summary>Begins the backward pass. Disposes of the output's gradient, whose memory must not outlive its use.</summary>
    public void BeginBackward(Tensor gradient, Func<int, RowRange, Tensor, Tensor?>? stateGradient)
    {
        Output?.Dispose();
        using var scope = NewDisposeScope();
        (Tensor? gradCurrent, Tensor gradNext) = Layers.ReadOutAdjoint(gradient.detach());
        if (stateGradient?.Invoke(Layers.Count, Rows, Layers.ForBlock(Current)) is { } own) gradNext.add_(own);
        _gradCurrent = gradCurrent?.DetachFromDisposeScope();
        _gradNext = gradNext.DetachFromDisposeScope();
        gradient.Dispose();
    }

    /// <summary>Runs one layer backward: from the gradients of p_l and p_{l+1} to those of p_{l-1} and p_l.</summary>
    public void StepBackward(int l, Func<int, RowRange, Tensor, Tensor?>? stateGradient)
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
            : stateGradient is null && _gradients?.TryAdd(toCurrent, ofLeaf, 1) is { } sum ? sum : toCurrent.add_(ofLeaf);
        if (stateGradient?.Invoke(l, Rows, graph.Leaf.detach()) is { } own) gradP.add_(own);
        Replace(toPrevious?.DetachFromDisposeScope(), gradP.DetachFromDisposeScope());
        LeaveLayer(l, graph.Value);
    }

    /// <summary>Returns the gradient of p_l where the backward pass ends, in the caller's dispose scope.</summary>
    public Tensor Finish()
    {
        using var noGraph = no_grad();
        Tensor result = _gradCurrent is null ? _gradNext!.alias() : _gradNext!.add(_gradCurrent);
        Replace(null, null);
        return result;
    }

    /// <summary>Computes f of the current hidden state, in the current dispose scope, and keeps what the backward pass needs.</summary>
    private protected abstract Tensor Evaluate(int layer);

    /// <summary>Returns f with its graph, to be disposed of by the caller.</summary>
    private protected abstract BlockGraph TakeGraph(int layer);

    /// <summary>Called when a layer's gradients are complete, with the value of its f. Prepares the layer before it.</summary>
    private protected virtual void LeaveLayer(int layer, Tensor f)
    {
    }

    /// <summary>Computes f at a block's input, without a graph, in the current dispose scope.</summary>
    private protected Tensor Call(int layer, Tensor read)
    {
        using GraphCuts? cuts = NewCuts();
        EvaluationContext? context = _context?.At(layer);
        return cuts is null ? Stack.Blocks[layer].At(read, context) : cuts.Call(Stack.Blocks[layer], read, context);
    }

    /// <summary>Computes f at a hidden state, with its graph.</summary>
    private protected BlockGraph Graph(int layer, Tensor state) =>
        new(Stack.Blocks[layer], Layers.ForBlock(state), _context?.At(layer), NewCuts());

    private GraphCuts? NewCuts() => Stack.Deterministic ? new GraphCuts() : null;

    /// <summary>Returns the hidden state, or a copy if it is the input, which a scheme must not overwrite.</summary>
    private protected Tensor Owned(Tensor state) =>
        ReferenceEquals(state, Input) && Layers.InPlace ? state.clone() : state;

    private protected void Free(Tensor state)
    {
        if (!ReferenceEquals(state, Input)) state.Dispose();
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
        _context?.Dispose();
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

/// <summary>Stores the graph of every block, with all its activations, in the forward pass.</summary>
internal sealed class StoredPart(LayerStack stack, Tensor input, RowRange rows, PassSettings settings)
    : BatchPart(stack, input, rows, settings, rebuilds: false, keepsStates: true)
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

/// <summary>Stores the input of every block, and evaluates each block once more in the backward pass.</summary>
internal sealed class CheckpointedPart(LayerStack stack, Tensor input, RowRange rows, PassSettings settings)
    : BatchPart(stack, input, rows, settings, rebuilds: false, keepsStates: true)
{
    private readonly Tensor?[] _inputs = new Tensor?[stack.Blocks.Count];

    private protected override Tensor Evaluate(int layer)
    {
        _inputs[layer] = Layers.ForBlock(Current).DetachFromDisposeScope();
        return Call(layer, _inputs[layer]!);
    }

    private protected override BlockGraph TakeGraph(int layer) => Graph(layer, _inputs[layer]!);

    private protected override void LeaveLayer(int layer, Tensor f) => _inputs[layer]!.Dispose();

    public override void Dispose()
    {
        foreach (Tensor? state in _inputs) state?.Dispose();
        base.Dispose();
    }
}

/// <summary>
/// Keeps p₀ and the last two hidden states. The backward pass evaluates each f once more, with its graph. The value rebuilds
/// <code>
///     p⁻ = (p⁺ - B p - C f(p)) / A
/// </code>
/// and the graph gives the gradients, so only one block's graph is in memory at a time. The graphs of some last layers may be kept from the
/// forward pass instead: their memory does not grow with depth, and each saves an evaluation.
/// </summary>
internal sealed class ReversiblePart : BatchPart
{
    private readonly KeptGraphs _graphs;
    private readonly int _firstKept;

    public ReversiblePart(LayerStack stack, Tensor input, RowRange rows, PassSettings settings)
        : base(stack, input, rows, settings, rebuilds: true, keepsStates: false)
    {
        _graphs = new KeptGraphs(stack.Blocks.Count);
        _firstKept = stack.Blocks.Count - stack.KeptLayerCount;
    }

    private protected override Tensor Evaluate(int layer)
    {
        if (layer < _firstKept) return Call(layer, Layers.ForBlock(Current));
        // A graph keeps its input, which must not be overwritten.
        using Tensor? copy = Layers.ReadsInPlace ? Current.clone() : null;
        return _graphs.Keep(layer, Graph(layer, copy ?? Current));
    }

    private protected override BlockGraph TakeGraph(int layer) => _graphs.Take(layer) ?? Graph(layer, Previous);

    /// <summary>Goes from (p_l, p_{l+1}) to (p_{l-1}, p_l).</summary>
    private protected override void LeaveLayer(int layer, Tensor f)
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

/// <summary>Graphs of blocks that are kept from the forward pass to the backward pass.</summary>
/// <param name="count">The number of functions of the stack.</param>
internal sealed class KeptGraphs(int count) : IDisposable
{
    private readonly BlockGraph?[] _graphs = new BlockGraph?[count];

    /// <summary>Keeps a graph and returns its value without it, in the current dispose scope.</summary>
    public Tensor Keep(int layer, BlockGraph graph)
    {
        _graphs[layer] = graph;
        return graph.Value;
    }

    /// <summary>Removes and returns a layer's graph; null if it is not kept.</summary>
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
