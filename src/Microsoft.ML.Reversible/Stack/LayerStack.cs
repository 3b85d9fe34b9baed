using static TorchSharp.torch;
using Block = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;

namespace Microsoft.ML.Reversible;

/// <summary>Runs a scheme over a list of blocks, forward and back.</summary>
/// <remarks>
/// A block is any module that computes f(p), the layer without its outer skip connection, from p of shape
/// [batch, context, width] to the same shape. The recurrence starts from p₋₁ = p₀ and is read out at p_L.
/// The stack does not own the blocks.
/// </remarks>
public sealed class LayerStack
{
    private readonly Block[] _blocks;

    /// <summary>Makes a stack.</summary>
    /// <param name="scheme">The recurrence.</param>
    /// <param name="blocks">The blocks in order, at least one.</param>
    /// <param name="wayBack">How the backward pass comes by its activations.</param>
    /// <exception cref="ArgumentException">There is no block, or the scheme is not reversible and the way back is.</exception>
    public LayerStack(Scheme scheme, IEnumerable<Block> blocks, WayBack wayBack)
    {
        ArgumentNullException.ThrowIfNull(scheme);
        ArgumentNullException.ThrowIfNull(blocks);
        Check(scheme, wayBack);
        Scheme = scheme;
        WayBack = wayBack;
        _blocks = blocks.ToArray();
        if (_blocks.Length == 0) throw new ArgumentException("A stack needs at least one block.", nameof(blocks));
    }

    /// <summary>The recurrence.</summary>
    public Scheme Scheme { get; }

    /// <summary>How the backward pass comes by its activations.</summary>
    public WayBack WayBack { get; }

    internal IReadOnlyList<Block> Blocks => _blocks;

    /// <summary>p_L from p₀ by plain tensor operations, which automatic differentiation follows where it is switched on.</summary>
    /// <param name="input">p₀, of shape [batch, context, width].</param>
    /// <returns>p_L, of the same shape, in the caller's dispose scope.</returns>
    public Tensor Evaluate(Tensor input)
    {
        using var scope = NewDisposeScope();
        Tensor previous = input, current = input;
        foreach (Block block in _blocks)
        {
            using Tensor f = block.call(current);
            Tensor next = Scheme.Forward(previous, current, f);
            if (!ReferenceEquals(previous, input)) previous.Dispose();
            (previous, current) = (current, next);
        }
        return current.MoveToOuterDisposeScope();
    }

    /// <summary>Runs the stack forward for training.</summary>
    /// <param name="input">p₀, of shape [batch, context, width]; its own graph is neither needed nor followed.</param>
    /// <returns>The pass, which holds p_L and what the way back needs. Dispose it, whether it is run back or not.</returns>
    public StackPass Forward(Tensor input) => WayBack switch
    {
        WayBack.Reversible => new ReversiblePass(this, input),
        _ => new StoredPass(this, input),
    };

    internal static void Check(Scheme scheme, WayBack wayBack)
    {
        if (wayBack == WayBack.Reversible && !scheme.IsReversible)
            throw new ArgumentException(
                $"The scheme '{scheme.Name}' cannot be run backwards, so WayBack must be {nameof(WayBack.Stored)}, not {nameof(WayBack.Reversible)}.", nameof(wayBack));
        if (!Enum.IsDefined(wayBack))
            throw new ArgumentOutOfRangeException(nameof(wayBack), wayBack, $"WayBack must be one of {string.Join(", ", Enum.GetNames<WayBack>())}.");
    }
}
