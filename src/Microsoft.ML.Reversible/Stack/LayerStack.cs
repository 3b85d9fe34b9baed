using Microsoft.ML.Reversible.Schemes;
using Microsoft.ML.Reversible.Stack;
using TorchSharp;
using static TorchSharp.torch;
using Block = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;

namespace Microsoft.ML.Reversible;

/// <summary>Runs a scheme over a list of blocks, forward and backward.</summary>
/// <remarks>
/// A block is any module that computes f(p), the layer without its outer skip connection, from p of shape
/// [batch, context, width] to the same shape. The stack does not own the blocks.
/// </remarks>
public sealed class LayerStack
{
    private readonly Block[] _blocks;

    /// <summary>Makes a stack.</summary>
    /// <param name="scheme">The recurrence.</param>
    /// <param name="blocks">The blocks in order, at least one.</param>
    /// <param name="backwardMode">How the backward pass gets the activations that it needs.</param>
    /// <param name="arithmetic">The numbers that the hidden states are made of.</param>
    /// <exception cref="ArgumentException">There is no block, or the options exclude each other; the message says why.</exception>
    public LayerStack(Scheme scheme, IEnumerable<Block> blocks, BackwardMode backwardMode, Arithmetic arithmetic = Arithmetic.Float)
    {
        ArgumentNullException.ThrowIfNull(scheme);
        ArgumentNullException.ThrowIfNull(blocks);
        Check(scheme, backwardMode, arithmetic);
        _blocks = [.. scheme.Functions([.. blocks])];
        if (_blocks.Length == 0) throw new ArgumentException("A stack needs at least one block.", nameof(blocks));
        Scheme = scheme.Bind(_blocks.Length, seed: 0);
        Scheme.CheckCoefficients(_blocks.Length);
        if (backwardMode == BackwardMode.Reversible && arithmetic == Arithmetic.Float) Scheme.CheckGrowthBack(_blocks.Length);
        BackwardMode = backwardMode;
        Arithmetic = arithmetic;
    }

    /// <summary>The recurrence.</summary>
    public Scheme Scheme { get; }

    /// <summary>How the backward pass gets the activations that it needs.</summary>
    public BackwardMode BackwardMode { get; }

    /// <summary>The numbers that the hidden states are made of.</summary>
    public Arithmetic Arithmetic { get; }

    /// <summary>
    /// The functions that the recurrence runs over; the Hamiltonian scheme has two for each block. Each has parameters of its own, but may
    /// evaluate an earlier function too.
    /// </summary>
    internal IReadOnlyList<Block> Blocks => _blocks;

    /// <summary>
    /// The number type in which the blocks compute; a hidden state is converted to it once before each block. Null is the input's type. It
    /// is null for functions of several evaluations, whose intermediate sums must not be rounded.
    /// </summary>
    internal ScalarType? BlockType { get; init => field = Scheme.EvaluationsPerLayer == 1 ? value : null; }

    /// <summary>
    /// Number of last layers that keep their activations in the reversible mode and so are not evaluated again: within
    /// [0, number of functions].
    /// </summary>
    internal int KeptLayerCount { get; set => field = Math.Clamp(value, 0, _blocks.Length); }

    /// <summary>
    /// Whether a pass gives the same bits every time on CUDA too. Otherwise libtorch's attention adds up gradients there in varying order.
    /// </summary>
    internal bool Deterministic { get; set; }

    /// <summary>Splits a batch into parts, which go through a block one after the other; settable for tests.</summary>
    internal Func<Tensor, IReadOnlyList<RowRange>> Split { get; set; } = RowRange.Split;

    /// <summary>
    /// Computes the output with plain tensor operations and keeps nothing for a backward pass. In float arithmetic autograd can
    /// differentiate it.
    /// </summary>
    /// <param name="input">p₀, of shape [batch, context, width].</param>
    /// <returns>The output, of the same shape and type, in the caller's dispose scope.</returns>
    /// <exception cref="OverflowException">Exact arithmetic has left its range.</exception>
    public Tensor Evaluate(Tensor input) => Evaluate(input, new PassSettings());

    /// <summary>Computes the output of whole sequences with the settings of a pass; its seed is not read.</summary>
    /// <inheritdoc cref="Evaluate(Tensor)"/>
    internal Tensor Evaluate(Tensor input, PassSettings settings)
    {
        using var scope = NewDisposeScope();
        IReadOnlyList<RowRange> parts = is_grad_enabled() ? [] : Split(input);
        if (parts.Count <= 1) parts = [new RowRange(0, input.shape[0])];
        List<Tensor> outputs = [.. parts.Select(Of)];
        return (outputs.Count == 1 ? outputs[0] : cat(outputs, 0)).MoveToOuterDisposeScope();

        Tensor Of(RowRange rows)
        {
            using PartContext? context = PartContext.For(settings, input, rows);
            return Evaluate(input, rows, oneDraw: false, layer => context?.At(layer), state: null);
        }
    }

    /// <summary>Computes the output in a context. The result of a row does not depend on the other rows.</summary>
    /// <param name="input">p₀, of shape [rows, tokens, width].</param>
    /// <param name="context">
    /// What the functions read in addition to their input; null for whole sequences. Functions that do not read it must treat each token
    /// by itself.
    /// </param>
    /// <param name="state">Called with l and p_l as the blocks read it, for l from 0 to the number of functions.</param>
    internal Tensor Evaluate(Tensor input, EvaluationContext? context, Action<int, Tensor>? state = null) =>
        Evaluate(input, new RowRange(0, input.shape[0]), oneDraw: context is not null, _ => context, state);

    /// <param name="input">p₀ of the whole batch.</param>
    /// <param name="rows">The rows to compute.</param>
    /// <param name="oneDraw">Whether one draw serves all rows, where the result of a row must not depend on the others.</param>
    /// <param name="context">Returns the context of a layer's evaluation.</param>
    /// <param name="state">As in the other overload.</param>
    private Tensor Evaluate(
        Tensor input, RowRange rows, bool oneDraw, Func<int, EvaluationContext?> context, Action<int, Tensor>? state)
    {
        using var scope = NewDisposeScope();
        (Tensor drawnFor, RowRange drawn) = oneDraw ? (input.narrow(0, 0, 1), new RowRange(0, 1)) : (input, rows);
        using var layers = new LayerList(this, drawnFor, drawn, seed: 0, rebuilds: false, keepsStates: is_grad_enabled());
        Tensor first = layers.Enter(rows.Of(input)), previous = first, current = first;
        foreach (Layer layer in layers)
        {
            using var step = NewDisposeScope();
            state?.Invoke(layer.Index, layers.ForBlock(current));
            Tensor f = _blocks[layer.Index].At(layers.ForBlock(current), context(layer.Index));
            Tensor owned = layers.InPlace && ReferenceEquals(previous, first) ? previous.clone() : previous;
            Tensor next = Scheme.Infer(layer, owned, current, f).MoveToOuterDisposeScope();
            if (!ReferenceEquals(previous, first) && !ReferenceEquals(previous, next)) previous.Dispose();
            (previous, current) = (current, next);
        }
        layers.Watch(current);
        LayerList.CheckRange([layers]);
        state?.Invoke(layers.Count, layers.ForBlock(current));
        return layers.ReadOut(previous, current).MoveToOuterDisposeScope();
    }

    /// <summary>Runs the stack forward for training.</summary>
    /// <param name="input">p₀, of shape [batch, context, width]; its graph is not used.</param>
    /// <param name="seed">Seeds the scheme's random numbers of this pass.</param>
    /// <returns>The pass, which holds the output and what the backward pass needs. Dispose of it in any case.</returns>
    /// <exception cref="OverflowException">Exact arithmetic has left its range.</exception>
    /// <exception cref="InvalidOperationException">Inference mode is on, in which nothing can be differentiated.</exception>
    public StackPass Forward(Tensor input, long seed = 0) => Forward(input, new PassSettings(seed));

    /// <summary>Runs the stack forward for training, with the settings of the pass.</summary>
    /// <inheritdoc cref="Forward(Tensor, long)"/>
    internal StackPass Forward(Tensor input, PassSettings settings)
    {
        if (is_inference_mode_enabled())
            throw new InvalidOperationException(
                "Forward is for training and cannot be called in inference mode, " +
                "where no graph is made. Call Evaluate, or leave torch.inference_mode.");
        return new StackPass(this, input, settings);
    }

    internal static void Check(Scheme scheme, BackwardMode backwardMode, Arithmetic arithmetic)
    {
        Defined(backwardMode, nameof(BackwardMode));
        Defined(arithmetic, nameof(Arithmetic));
        if (arithmetic == Arithmetic.Exact && !scheme.CanBeExact)
            throw new ArgumentException(
                $"The scheme '{scheme.Name}' cannot be exact: {scheme.WhyNotExact} Arithmetic must be Float.",
                nameof(arithmetic));
        if (backwardMode == BackwardMode.Reversible && scheme.WhyNotReversible(arithmetic) is { } reason)
            throw new ArgumentException($"The scheme '{scheme.Name}' cannot be run backwards here: {reason}", nameof(backwardMode));
    }

    private static void Defined<T>(T value, string name) where T : struct, Enum
    {
        if (!Enum.IsDefined(value))
            throw new ArgumentOutOfRangeException(name, value, $"{name} must be one of {string.Join(", ", Enum.GetNames<T>())}.");
    }
}

/// <summary>One run of a <see cref="LayerStack"/>: its output, and the backward pass.</summary>
/// <remarks>
/// <para>
/// A large batch is split into parts, and all of them go through one layer before any goes through the next: the graph of a block is then
/// that of one part, and a layer's gradients are complete before the backward pass leaves it.
/// </para>
/// <para>
/// A pass owns what it keeps, outside every dispose scope. <see cref="Dispose"/> must be called whether it was run backward or not.
/// </para>
/// </remarks>
public sealed class StackPass : IDisposable
{
    private readonly LayerStack _stack;
    private readonly BatchPart[] _parts;
    private Tensor? _output;
    private bool _spent;

    /// <summary>Runs forward.</summary>
    /// <exception cref="OverflowException">Exact arithmetic has left its range.</exception>
    internal StackPass(LayerStack stack, Tensor input, PassSettings settings)
    {
        _stack = stack;
        IReadOnlyList<RowRange> parts = stack.Split(input);
        _parts = new BatchPart[parts.Count];
        try
        {
            for (int i = 0; i < parts.Count; i++) _parts[i] = NewPart(input, parts[i], settings);
            Run();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>
    /// The output, of shape [batch, context, width], owned by the pass and without a graph. It is gone after the backward pass.
    /// </summary>
    /// <exception cref="InvalidOperationException">The pass has been run backward.</exception>
    public Tensor Output
    {
        get
        {
            if (_spent) throw new InvalidOperationException("The output is gone, because Backward has been called on this pass.");
            if (_parts.Length == 1) return _parts[0].Output!;
            using var noGraph = no_grad();
            return _output ??= cat([.. _parts.Select(part => part.Output!)], 0).DetachFromDisposeScope();
        }
    }

    /// <summary>The bytes of the remainders that all layers keep to undo rounding.</summary>
    public long RemainderByteCount => _parts.Sum(part => part.Layers.Sum(layer => layer.Remainders?.ByteCount ?? 0));

    /// <summary>Returns the outputs of the batch parts, once; the caller disposes of them.</summary>
    internal IEnumerable<(RowRange Rows, Tensor Output)> TakeOutputs() => _parts.Select(part => (part.Rows, part.TakeOutput()));

    /// <summary>Returns the rows and the output of each batch part that has not been taken; the outputs stay the pass's.</summary>
    internal IEnumerable<(RowRange Rows, Tensor Output)> ReadOutputs() => _parts.Select(part => (part.Rows, part.Output!));

    /// <summary>Adds the parameters' gradients to their <c>grad</c> and returns the gradient of the input.</summary>
    /// <param name="gradient">The output's gradient, of shape [batch, context, width].</param>
    /// <param name="layerDone">
    /// Called with the index of each function of the stack, from the last to 0, when the gradients of its parameters are complete and its
    /// graph is gone. The rest of the backward pass does not depend on these parameters, so they may be changed at once.
    /// </param>
    /// <returns>dL/dp₀, of the same shape, in the caller's dispose scope.</returns>
    /// <exception cref="InvalidOperationException">The pass has been run backward before.</exception>
    public Tensor Backward(Tensor gradient, Action<int>? layerDone = null)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        return Backward(_parts.Select(part => part.Rows.Of(gradient).clone()), layerDone)!.MoveToOuterDisposeScope();
    }

    /// <summary>Adds the parameters' gradients to their <c>grad</c>, from the gradients of <see cref="TakeOutputs"/>.</summary>
    /// <param name="gradients">The gradients, in the order of the outputs; they are disposed of.</param>
    /// <param name="layerDone">As in the other overload.</param>
    /// <param name="stateGradient">
    /// For a loss that depends on the hidden states too: returns what the loss itself adds to dL/dp_l, from l, rows of the batch, and their
    /// p_l as the blocks read it, without a graph; null where that is zero. Called once for each l and batch part, from the number of
    /// functions down to where the backward pass ends; p_l is gone afterwards.
    /// </param>
    /// <param name="toInput">
    /// Whether to compute the gradient of the input. If not, the pass ends at the first function whose parameters need a gradient.
    /// </param>
    /// <returns>dL/dp₀, in the caller's dispose scope; null if <paramref name="toInput"/> is false.</returns>
    internal Tensor? Backward(
        IEnumerable<Tensor> gradients, Action<int>? layerDone = null, Func<int, RowRange, Tensor, Tensor?>? stateGradient = null,
        bool toInput = true)
    {
        if (_spent) throw new InvalidOperationException("Backward has been called on this pass already. Run the stack forward again.");
        _spent = true;
        _output?.Dispose();
        foreach ((BatchPart part, Tensor gradient) in _parts.Zip(gradients)) part.BeginBackward(gradient, stateGradient);
        int lowest = toInput ? 0 : FirstTrained();
        for (int l = _stack.Blocks.Count - 1; l >= lowest; l--)
        {
            foreach (BatchPart part in _parts) part.StepBackward(l, stateGradient);
            layerDone?.Invoke(l);
        }
        if (!toInput) return null;
        using var scope = NewDisposeScope();
        List<Tensor> results = [.. _parts.Select(part => part.Finish())];
        return (results.Count == 1 ? results[0] : cat(results, 0)).MoveToOuterDisposeScope();
    }

    /// <summary>Frees what the pass keeps.</summary>
    public void Dispose()
    {
        _output?.Dispose();
        foreach (BatchPart? part in _parts) part?.Dispose();
    }

    private BatchPart NewPart(Tensor input, RowRange rows, PassSettings settings) => _stack.BackwardMode switch
    {
        BackwardMode.Stored => new StoredPart(_stack, input, rows, settings),
        BackwardMode.Checkpointed => new CheckpointedPart(_stack, input, rows, settings),
        _ => new ReversiblePart(_stack, input, rows, settings),
    };

    private void Run()
    {
        using var noGraph = no_grad();
        for (int l = 0; l < _stack.Blocks.Count; l++)
        {
            foreach (BatchPart part in _parts) part.StepForward(l);
        }
        foreach (BatchPart part in _parts) part.ReadOut();
        LayerList.CheckRange([.. _parts.Select(part => part.Layers)]);
    }

    /// <summary>Returns the first function whose parameters need a gradient; the number of functions if there is none.</summary>
    private int FirstTrained()
    {
        int first = 0, count = _stack.Blocks.Count;
        while (first < count && !_stack.Blocks[first].parameters().Any(p => p.requires_grad)) first++;
        return first;
    }
}

/// <summary>Consecutive rows of a batch.</summary>
/// <param name="First">The first row, from 0.</param>
/// <param name="Count">How many.</param>
internal readonly record struct RowRange(long First, long Count)
{
    /// <summary>
    /// The most elements of a hidden state that the blocks read at once on CUDA: enough to fill a GPU, and few compared with the hidden
    /// states of a large batch, so that the graph of one block does not limit the size of a batch.
    /// </summary>
    private const long CudaElements = 1 << 26;

    /// <summary>The same on the CPU, small enough to keep a block's activations in the caches: 2,048 tokens of width 256.</summary>
    private const long CpuElements = 1 << 19;

    /// <summary>Returns these rows of a tensor whose first dimension is the batch, as a view.</summary>
    public Tensor Of(Tensor batch) => batch.narrow(0, First, Count);

    /// <summary>Returns these rows of a tensor that has several rows for each of the batch's.</summary>
    public Tensor Of(Tensor batch, long rowsEach) => batch.narrow(0, First * rowsEach, Count * rowsEach);

    /// <summary>Splits the batch of an input of shape [batch, context, width] into as few parts as suit its device.</summary>
    public static IReadOnlyList<RowRange> Split(Tensor input)
    {
        long most = input.device_type == DeviceType.CUDA ? CudaElements : CpuElements;
        return Split(input.shape[0], Math.Max(1, most / (input.shape[1] * input.shape[2])));
    }

    /// <summary>Splits rows into as few parts as possible, of nearly one size and of at most <paramref name="most"/> rows.</summary>
    public static IReadOnlyList<RowRange> Split(long rows, long most)
    {
        int parts = (int)Math.Max(1, (rows + most - 1) / most);
        return [.. Enumerable.Range(0, parts).Select(i => new RowRange(rows * i / parts, rows * (i + 1) / parts - rows * i / parts))];
    }
}
