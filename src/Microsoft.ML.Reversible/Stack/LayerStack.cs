using Microsoft.ML.Reversible.Schemes;
using Microsoft.ML.Reversible.Stack;
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
    public Tensor Evaluate(Tensor input)
    {
        if (is_grad_enabled() || Split(input) is not { Count: > 1 } parts) return Evaluate(input, context: null);
        using var scope = NewDisposeScope();
        return cat([.. parts.Select(rows => Evaluate(input, rows, context: null, state: null))], 0).MoveToOuterDisposeScope();
    }

    /// <summary>Computes the output in a context. The result of a row does not depend on the other rows.</summary>
    /// <param name="input">p₀, of shape [rows, tokens, width].</param>
    /// <param name="context">
    /// What the functions read in addition to their input; null for whole sequences. Functions that do not read it must treat each token
    /// by itself.
    /// </param>
    /// <param name="state">Called with l and p_l as the blocks read it, for l from 0 to the number of functions.</param>
    internal Tensor Evaluate(Tensor input, EvaluationContext? context, Action<int, Tensor>? state = null) =>
        Evaluate(input, new RowRange(0, input.shape[0]), context, state);

    private Tensor Evaluate(Tensor input, RowRange rows, EvaluationContext? context, Action<int, Tensor>? state)
    {
        using var scope = NewDisposeScope();
        // In a context, one draw serves all rows, because the result of a row must not depend on the others.
        (Tensor drawnFor, RowRange drawn) = context is null ? (input, rows) : (input.narrow(0, 0, 1), new RowRange(0, 1));
        using var layers = new LayerList(this, drawnFor, drawn, seed: 0, rebuilds: false, keepsStates: is_grad_enabled());
        Tensor first = layers.Enter(rows.Of(input)), previous = first, current = first;
        foreach (Layer layer in layers)
        {
            using var step = NewDisposeScope();
            state?.Invoke(layer.Index, layers.ForBlock(current));
            Tensor f = _blocks[layer.Index].At(layers.ForBlock(current), context);
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
    public StackPass Forward(Tensor input, long seed = 0)
    {
        if (is_inference_mode_enabled())
            throw new InvalidOperationException(
                "Forward is for training and cannot be called in inference mode, " +
                "where no graph is made. Call Evaluate, or leave torch.inference_mode.");
        return new StackPass(this, input, seed);
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
