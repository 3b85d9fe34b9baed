using System.Collections;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

/// <summary>The layers of one pass, and what its arithmetic does to the streams between them.</summary>
internal sealed class LayerList : IReadOnlyList<Layer>, IDisposable
{
    private readonly LayerStack _stack;
    private readonly Grid? _grid;
    private readonly Layer[] _layers;
    private readonly ScalarType _type;
    private Tensor? _largest;

    /// <summary>Draws what the scheme draws.</summary>
    /// <param name="stack">The stack.</param>
    /// <param name="input">p₀, for the size of the batch, the device and the type.</param>
    /// <param name="seed">Seeds the draws.</param>
    /// <param name="keeps">Whether streams will be rebuilt from p⁺.</param>
    public LayerList(LayerStack stack, Tensor input, long seed, bool keeps)
    {
        _stack = stack;
        _type = input.dtype;
        _grid = stack.Arithmetic == Arithmetic.Exact ? new Grid(stack.Scheme.FractionBits) : null;
        Func<int, Tensor>? draw = stack.Scheme.Draw(stack.Blocks.Count, input.shape[0], seed, input.device);
        // From layer 1 the rebuilt stream would be p₀, which is kept.
        _layers = [.. stack.Blocks.Select((_, l) => new Layer(l, _grid, keeps && l >= 2) { Drawn = Settle(draw?.Invoke(l)) })];
    }

    public int Count => _layers.Length;

    public Layer this[int index] => _layers[index];

    /// <summary>p₀ as a stream, without its graph on a grid.</summary>
    public Tensor Enter(Tensor input) => _grid?.Round(input) ?? input.alias();

    /// <summary>A stream as the blocks read it, in the input's type.</summary>
    public Tensor ForBlock(Tensor stream) => stream.to(_type);

    /// <summary>The output from p_{L-1} and p_L, in the input's type.</summary>
    public Tensor ReadOut(Tensor previous, Tensor current)
    {
        using var scope = NewDisposeScope();
        Tensor output = _stack.Scheme.ReadOut == Reversible.ReadOut.Mean ? (previous + current) * 0.5 : current;
        return output.to(_type).MoveToOuterDisposeScope();
    }

    /// <summary>The gradients of p_{L-1} and p_L from the output's.</summary>
    public (Tensor? Previous, Tensor Current) ReadOutAdjoint(Tensor gradient)
    {
        if (_stack.Scheme.ReadOut == Reversible.ReadOut.Last) return (null, gradient.detach());
        return (gradient.detach() * 0.5, gradient.detach() * 0.5);
    }

    /// <summary>Remembers how large a stream is; nothing waits for the device before <see cref="CheckRange"/>.</summary>
    public void Watch(Tensor stream)
    {
        if (_grid is null) return;
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        Tensor largest = stream.detach().abs().max();
        using Tensor? before = _largest;
        _largest = (before is null ? largest : before.maximum(largest)).DetachFromDisposeScope();
    }

    /// <exception cref="OverflowException">Exact arithmetic has left its range.</exception>
    public void CheckRange()
    {
        if (_grid is not null && _largest is not null) _grid.Check(_largest.item<double>());
    }

    public IEnumerator<Layer> GetEnumerator() => ((IEnumerable<Layer>)_layers).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public void Dispose()
    {
        foreach (Layer layer in _layers) layer.Dispose();
        _largest?.Dispose();
    }

    private Tensor? Settle(Tensor? drawn)
    {
        if (drawn is null) return null;
        using Tensor source = drawn;
        return source.to(_grid is null ? _type : ScalarType.Float64).DetachFromDisposeScope();
    }
}
