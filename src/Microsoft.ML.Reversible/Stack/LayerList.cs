using System.Collections;
using Microsoft.ML.Reversible.Kernels;
using Microsoft.ML.Reversible.Schemes;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Stack;

/// <summary>The layers of one pass, and what its arithmetic does to the hidden states between them.</summary>
internal sealed class LayerList : IReadOnlyList<Layer>, IDisposable
{
    private readonly LayerStack _stack;
    private readonly Grid? _grid;
    private readonly Layer[] _layers;
    private readonly FusedUpdate? _fused;
    private readonly ScalarType _type;
    private readonly ScalarType _blockType;
    private Tensor? _largest;
    private bool _checked;

    /// <summary>Makes the layers and draws the scheme's random numbers.</summary>
    /// <param name="stack">The stack.</param>
    /// <param name="input">p₀ of the whole batch; its size, device and type are used.</param>
    /// <param name="rows">The rows of the batch that these layers are for. The random numbers of a row do not depend on the split.</param>
    /// <param name="seed">Seeds the random numbers.</param>
    /// <param name="rebuilds">Whether hidden states will be rebuilt from p⁺.</param>
    /// <param name="keepsStates">Whether the blocks' inputs are kept and must not be overwritten.</param>
    public LayerList(LayerStack stack, Tensor input, RowRange rows, long seed, bool rebuilds, bool keepsStates)
    {
        _stack = stack;
        _type = input.dtype;
        _blockType = stack.BlockType ?? _type;
        _grid = stack.Arithmetic == Arithmetic.Exact ? new Grid(stack.Scheme.FractionBits, input.device) : null;
        ScalarType stateType = _grid is null ? _type : ScalarType.Float64;
        ReadsInPlace = _blockType == stateType;
        InPlace = !(keepsStates && ReadsInPlace);
        // Kernels are compiled for each shape: worth it in training, where shapes repeat. Gradients do not flow through them.
        _fused = (rebuilds || keepsStates) && !is_grad_enabled() ? FusedUpdate.For(input.device, _blockType, stateType, _grid) : null;
        Func<int, Tensor>? draw = stack.Scheme.Draw(stack.Blocks.Count, input.shape[0], seed, input.device);
        // The hidden state that layer 1 would rebuild is p₀, which is kept.
        _layers =
        [
            .. stack.Blocks.Select((_, l) => new Layer(l, _grid, rebuilds && l >= 2)
            {
                Drawn = DrawnFor(draw?.Invoke(l), rows), InPlace = InPlace, Fused = _fused,
            }),
        ];
    }

    /// <summary>The number type in which blocks read the hidden states.</summary>
    public ScalarType BlockType => _blockType;

    /// <summary>Whether blocks read the hidden states themselves, not a copy in another type.</summary>
    public bool ReadsInPlace { get; }

    /// <summary>Whether a step may overwrite the hidden state that it reads.</summary>
    public bool InPlace { get; }

    public int Count => _layers.Length;

    public Layer this[int index] => _layers[index];

    /// <summary>Returns p₀ as a hidden state; on a grid, without its graph.</summary>
    public Tensor Enter(Tensor input) => _grid?.Round(input) ?? input.alias();

    /// <summary>Returns a hidden state as the blocks read it.</summary>
    public Tensor ForBlock(Tensor state)
    {
        Tensor read = _fused?.TakeRead(state) ?? state.to(_blockType);
        Watch(read);
        return read;
    }

    /// <summary>Computes the output from p_{L-1} and p_L, in the input's type.</summary>
    public Tensor ReadOut(Tensor previous, Tensor current)
    {
        using var scope = NewDisposeScope();
        Tensor output = _stack.Scheme.ReadOut == Reversible.ReadOut.Mean ? (previous + current) * 0.5 : current;
        return output.to(_type).MoveToOuterDisposeScope();
    }

    /// <summary>Computes the gradients of p_{L-1} and p_L from the output's.</summary>
    public (Tensor? Previous, Tensor Current) ReadOutAdjoint(Tensor gradient)
    {
        if (_stack.Scheme.ReadOut == Reversible.ReadOut.Last) return (null, gradient);
        return (gradient * 0.5, gradient * 0.5);
    }

    /// <summary>Records the largest absolute value of a hidden state; only <see cref="CheckRange"/> waits for the device.</summary>
    public void Watch(Tensor state)
    {
        if (_grid is null || _checked) return;
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        Tensor largest = state.detach().norm(float.PositiveInfinity);
        using Tensor? before = _largest;
        _largest = (before is null ? largest : before.maximum(largest)).DetachFromDisposeScope();
    }

    /// <summary>
    /// Checks that the recorded hidden states are within range; those of the backward pass are the same and are not recorded again. Waits
    /// for the device, once.
    /// </summary>
    /// <exception cref="OverflowException">Exact arithmetic has left its range.</exception>
    public static void CheckRange(IReadOnlyList<LayerList> parts)
    {
        if (parts[0]._grid is not { } grid) return;
        using var scope = NewDisposeScope();
        foreach (LayerList part in parts) part._checked = true;
        List<Tensor> largest = [.. parts.Where(part => part._largest is not null).Select(part => part._largest!)];
        if (largest.Count > 0) grid.Check(torch.stack(largest).max().to(ScalarType.Float64).item<double>());
    }

    public IEnumerator<Layer> GetEnumerator() => ((IEnumerable<Layer>)_layers).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public void Dispose()
    {
        foreach (Layer layer in _layers) layer.Dispose();
        _largest?.Dispose();
        _fused?.Dispose();
        _grid?.Dispose();
    }

    /// <summary>Returns the random numbers of these rows, or the one for all rows, in the hidden states' type.</summary>
    private Tensor? DrawnFor(Tensor? drawn, RowRange rows)
    {
        if (drawn is null) return null;
        using var scope = NewDisposeScope();
        Tensor own = drawn.dim() == 0 ? drawn : rows.Of(drawn);
        return own.to(_grid is null ? _type : ScalarType.Float64, copy: true).DetachFromDisposeScope();
    }
}
