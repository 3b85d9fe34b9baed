using static TorchSharp.torch;
using Block = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;

namespace Microsoft.ML.Reversible;

/// <summary>
/// One run of a <see cref="LayerStack"/>: its output, and the way back from there. The ways back differ only in where a block's graph comes
/// from; the gradients of the streams take one and the same path in all of them. With g = dL/dp⁺:
/// <code>
///     dL/dp += B g + J_f(p)ᵀ C g       dL/dp⁻ += A g       dL/dθ += (∂f/∂θ)ᵀ C g
/// </code>
/// </summary>
/// <remarks>
/// A pass owns what it keeps, outside every dispose scope, and frees it on <see cref="Dispose"/> even where
/// <see cref="Backward"/> was never called.
/// </remarks>
public abstract class StackPass : IDisposable
{
    private Tensor? _output;
    private bool _spent;

    private protected StackPass(LayerStack stack, Tensor input, long seed, bool rebuilds)
    {
        Stack = stack;
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        Layers = new LayerList(stack, input, seed, rebuilds);
        Input = Previous = Current = Layers.Enter(input.detach()).DetachFromDisposeScope();
    }

    /// <summary>
    /// The output, of shape [batch, context, width], owned by the pass and without a graph. Gone after <see cref="Backward"/>.
    /// </summary>
    public Tensor Output => _output!;

    /// <summary>The bytes that the scheme keeps beside the streams to undo its rounding, in all layers together.</summary>
    public long SideByteCount => Layers.Sum(layer => layer.Remainders?.ByteCount ?? 0);

    private protected LayerStack Stack { get; }

    private protected LayerList Layers { get; }

    /// <summary>p₀, kept by all ways: it costs one stream and would be the least exact to rebuild.</summary>
    private protected Tensor Input { get; }

    /// <summary>p_l where the pass stands, and the stream before it; one and the same tensor at the start.</summary>
    private protected Tensor Previous { get; set; }

    private protected Tensor Current { get; set; }

    /// <summary>Adds the parameters' gradients to their <c>grad</c> and returns the gradient of the input.</summary>
    /// <param name="gradient">The output's gradient, of shape [batch, context, width].</param>
    /// <param name="layerDone">
    /// Called with the index of each function of the stack, from the last to 0, when the gradients of its parameters are complete and its
    /// graph is gone. What is left of the way back does not depend on these parameters any more, so they may be changed at once.
    /// </param>
    /// <returns>dL/dp₀, of the same shape, in the caller's dispose scope.</returns>
    /// <exception cref="InvalidOperationException">The pass has been run back before: what it kept is used up.</exception>
    public Tensor Backward(Tensor gradient, Action<int>? layerDone = null) =>
        BackwardWithStreams(gradient, layerDone, streamGradient: null);

    /// <summary>The same for a loss that depends on the streams too, not only on the output.</summary>
    /// <param name="gradient">The output's gradient.</param>
    /// <param name="layerDone">As in <see cref="Backward"/>.</param>
    /// <param name="streamGradient">
    /// Gives what the loss itself adds to dL/dp_l, from l and p_l as the blocks read it, without a graph; null where that is zero. Called
    /// once for each l, from the number of functions down to where the way back ends; p_l is gone afterwards.
    /// </param>
    internal Tensor BackwardWithStreams(Tensor gradient, Action<int>? layerDone, Func<int, Tensor, Tensor?>? streamGradient) =>
        BackwardTo(0, gradient, layerDone, streamGradient);

    /// <summary>
    /// The same where nobody asks for the gradient of the input: the way back ends at the first function whose parameters need one.
    /// </summary>
    /// <inheritdoc cref="BackwardWithStreams"/>
    internal void BackwardToWeights(Tensor gradient, Action<int>? layerDone = null, Func<int, Tensor, Tensor?>? streamGradient = null)
    {
        int lowest = 0;
        while (lowest < Layers.Count && !Stack.Blocks[lowest].parameters().Any(p => p.requires_grad)) lowest++;
        BackwardTo(lowest, gradient, layerDone, streamGradient).Dispose();
    }

    private Tensor BackwardTo(int lowest, Tensor gradient, Action<int>? layerDone, Func<int, Tensor, Tensor?>? streamGradient)
    {
        if (_spent) throw new InvalidOperationException("This pass has been run back already; run the stack forward again.");
        _spent = true;
        _output?.Dispose();
        using var gradients = NewDisposeScope();
        (Tensor? gradCurrent, Tensor gradNext) = Layers.ReadOutAdjoint(gradient);
        if (streamGradient?.Invoke(Layers.Count, Layers.ForBlock(Current)) is { } own) gradNext = gradNext + own;
        for (int l = Layers.Count - 1; l >= lowest; l--)
        {
            (gradCurrent, gradNext) = LayerBack(l, gradCurrent, gradNext, streamGradient);
            layerDone?.Invoke(l);
        }
        Tensor result = gradCurrent is null ? gradNext : gradNext.add_(gradCurrent);
        return result.MoveToOuterDisposeScope();
    }

    /// <summary>One layer back: from the gradients of p_l and p_{l+1}, which are disposed, to those of p_{l-1} and p_l.</summary>
    private (Tensor? Previous, Tensor Current) LayerBack(
        int l, Tensor? gradCurrent, Tensor gradNext, Func<int, Tensor, Tensor?>? streamGradient)
    {
        using var scope = NewDisposeScope();
        using Tensor g = gradNext;
        using Tensor? direct = gradCurrent;
        (Tensor? toPrevious, Tensor? toCurrent, Tensor toF) = Stack.Scheme.StepAdjoint(Layers[l], g);

        (Tensor leaf, Tensor f) = Graph(l);
        autograd.backward(f, toF.to(f.dtype));
        Tensor gradP = leaf.grad!;
        if (toCurrent is not null) gradP.add_(toCurrent);
        if (direct is not null) gradP.add_(direct);
        if (streamGradient?.Invoke(l, leaf.detach()) is { } own) gradP.add_(own);
        using (no_grad()) StepBack(l, f.detach());
        return (toPrevious?.alias().MoveToOuterDisposeScope(), gradP.MoveToOuterDisposeScope());
    }

    /// <summary>Runs forward.</summary>
    internal void Run()
    {
        using var everything = NewDisposeScope();
        using var noGraph = no_grad();
        foreach (Layer layer in Layers)
        {
            using var scope = NewDisposeScope();
            Tensor next = Stack.Scheme.Step(layer, Previous, Current, Evaluate(layer.Index));
            Layers.Watch(next);
            Free(Previous);
            (Previous, Current) = (Current, next.DetachFromDisposeScope());
        }
        Layers.CheckRange();
        _output = Layers.ReadOut(Previous, Current).DetachFromDisposeScope();
    }

    /// <summary>f of the current stream on the way forward, in the current dispose scope; keeps what the way back needs of it.</summary>
    private protected abstract Tensor Evaluate(int layer);

    /// <summary>What f was evaluated at, as a leaf, and f with its graph from there; both in the current dispose scope.</summary>
    private protected abstract (Tensor Leaf, Tensor F) Graph(int layer);

    /// <summary>Called when a layer's gradients are done, with its f without the graph.</summary>
    private protected virtual void StepBack(int layer, Tensor f)
    {
    }

    /// <summary>A leaf with the values of a stream, as the blocks read it, and the block's value with its graph from there.</summary>
    private protected (Tensor Leaf, Tensor F) Evaluate(int layer, Tensor stream)
    {
        using var withGraph = enable_grad();
        Tensor leaf = Layers.ForBlock(stream).detach().requires_grad_();
        return (leaf, Stack.Blocks[layer].call(leaf));
    }

    private protected void Free(Tensor stream)
    {
        if (!ReferenceEquals(stream, Input)) stream.Dispose();
    }

    /// <summary>Frees what the pass keeps.</summary>
    public virtual void Dispose()
    {
        _output?.Dispose();
        Previous.Dispose();
        Current.Dispose();
        Input.Dispose();
        Layers.Dispose();
    }
}
