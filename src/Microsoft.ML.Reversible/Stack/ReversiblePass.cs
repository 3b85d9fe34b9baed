using static TorchSharp.torch;
using Block = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;

namespace Microsoft.ML.Reversible;

/// <summary>
/// Keeps p_{L-1} and p_L, and p₀, which costs one stream and would be the least exact to rebuild. The way back evaluates
/// each f once more; that evaluation both rebuilds p⁻ and makes the graph to differentiate, so the graph of one block is
/// alive at a time. With g = dL/dp⁺:
/// <code>
///     p⁻      = (p⁺ - B p - C f(p)) / A
///     dL/dp  += B g + J_f(p)ᵀ C g       dL/dp⁻ += A g       dL/dθ += (∂f/∂θ)ᵀ C g
/// </code>
/// </summary>
internal sealed class ReversiblePass : StackPass
{
    private readonly LayerStack _stack;
    private readonly Tensor _input;
    private Tensor _previous;
    private Tensor _current;

    public ReversiblePass(LayerStack stack, Tensor input)
    {
        _stack = stack;
        using var noGraph = no_grad();
        _input = _previous = _current = input.detach().DetachFromDisposeScope();
        foreach (Block block in stack.Blocks)
        {
            using var layer = NewDisposeScope();
            Tensor next = stack.Scheme.Forward(_previous, _current, block.call(_current));
            Free(_previous);
            (_previous, _current) = (_current, next.DetachFromDisposeScope());
        }
    }

    public override Tensor Output => _current;

    private protected override Tensor BackwardCore(Tensor gradient)
    {
        using var gradients = NewDisposeScope();
        Tensor gradNext = gradient.detach();
        Tensor? gradCurrent = null;
        for (int layer = _stack.Blocks.Count - 1; layer >= 0; layer--)
        {
            using var scope = NewDisposeScope();
            using Tensor g = gradNext;
            using Tensor? direct = gradCurrent;
            (Tensor? toPrevious, Tensor? toCurrent, Tensor toF) = _stack.Scheme.Adjoint(g);
            (Tensor f, Tensor gradP) = Differentiate(_stack.Blocks[layer], _previous, toF);
            if (toCurrent is not null) gradP.add_(toCurrent);
            if (direct is not null) gradP.add_(direct);

            StepBack(layer, f);
            gradNext = gradP.MoveToOuterDisposeScope();
            gradCurrent = toPrevious?.alias().MoveToOuterDisposeScope();
        }
        Tensor result = gradCurrent is null ? gradNext : gradNext.add_(gradCurrent);
        return result.MoveToOuterDisposeScope();
    }

    /// <summary>f(p) without its graph, and J_f(p)ᵀ g; the parameters' share goes to their <c>grad</c>.</summary>
    private static (Tensor F, Tensor Gradient) Differentiate(Block block, Tensor p, Tensor gradF)
    {
        Tensor leaf = p.detach().requires_grad_();
        using var withGraph = enable_grad();
        using Tensor f = block.call(leaf);
        autograd.backward(f, gradF.to(f.dtype));
        return (f.detach(), leaf.grad!);
    }

    /// <summary>From (p_l, p_{l+1}) to (p_{l-1}, p_l).</summary>
    private void StepBack(int layer, Tensor f)
    {
        if (layer == 0) return;
        using var noGraph = no_grad();
        Tensor before = layer == 1 ? _input : _stack.Scheme.Inverse(_previous, _current, f).DetachFromDisposeScope();
        Free(_current);
        (_previous, _current) = (before, _previous);
    }

    private void Free(Tensor stream)
    {
        if (!ReferenceEquals(stream, _input)) stream.Dispose();
    }

    public override void Dispose()
    {
        _previous.Dispose();
        _current.Dispose();
        _input.Dispose();
    }
}
