using Microsoft.ML.Reversible.Kernels;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Schemes;

/// <summary>A layer in one pass: its index, its arithmetic, what was drawn for it, and the remainders that it keeps.</summary>
/// <param name="index">The layer, from 0.</param>
/// <param name="grid">The grid of exact arithmetic; null in floating point.</param>
/// <param name="keeps">Whether the pass will rebuild p⁻ in this layer, and so needs the remainders.</param>
internal sealed class Layer(int index, Grid? grid, bool keeps) : IDisposable
{
    /// <summary>The layer, from 0.</summary>
    public int Index => index;

    /// <summary>The grid of exact arithmetic; null in floating point.</summary>
    public Grid? Grid => grid;

    /// <summary>What the scheme drew for this pass, such as BDIA's γ, of shape [batch, 1, 1]; outside every dispose scope.</summary>
    public Tensor? Drawn { get; init; }

    /// <summary>Whether a step may overwrite the hidden state that it reads.</summary>
    public bool InPlace { get; init; }

    /// <summary>Computes steps as one kernel; null where they run operation by operation.</summary>
    public FusedUpdate? Fused { get; init; }

    /// <summary>The remainders that were kept.</summary>
    public Remainders? Remainders { get; private set; }

    /// <summary>Returns factor·f as an increment of a hidden state: rounded to the grid in exact arithmetic.</summary>
    public Tensor Round(Tensor f, double factor = 1)
    {
        if (grid is not null) return grid.Round(f, factor);
        return factor == 1 ? f : f * factor;
    }

    /// <summary>Returns state + factor·f, f rounded to the grid in exact arithmetic; in place where that is allowed.</summary>
    /// <param name="state">The hidden state.</param>
    /// <param name="f">f, which may be of a narrower type.</param>
    /// <param name="factor">The factor.</param>
    public Tensor Add(Tensor state, Tensor f, double factor = 1) =>
        Fused?.TryAdd(state, f, factor) ?? (grid is null ? Sum(state, f, factor) : Sum(state, grid.Round(f, factor)));

    /// <summary>Returns state + factor·other, of two hidden states; in place where that is allowed.</summary>
    public Tensor Sum(Tensor state, Tensor other, double factor = 1) =>
        InPlace ? state.add_(other, factor) : state.add(other, factor);

    /// <summary>Returns state/divisor, in place where that is allowed.</summary>
    /// <remarks>On a grid it divides: the quotient is exact, and the product with 1/divisor need not be.</remarks>
    public Tensor Over(Tensor state, double divisor) =>
        grid is null ? Times(state, 1 / divisor) : InPlace ? state.div_(divisor) : state / divisor;

    /// <summary>Returns factor·state, in place where that is allowed.</summary>
    public Tensor Times(Tensor state, double factor) => InPlace ? state.mul_(factor) : state * factor;

    /// <summary>
    /// Returns p⁻ - 2⁻ˡ r, the part of p⁻ that can be multiplied by ±1/k on the grid. The remainder r = 2ˡ p⁻ mod k is kept for the
    /// backward pass. In floating point, returns p⁻.
    /// </summary>
    /// <param name="previous">p⁻.</param>
    /// <param name="k">A power of two from 1, which has no remainder, to <see cref="Remainders.MaxK"/>.</param>
    public Tensor Divisible(Tensor previous, int k)
    {
        if (grid is null || k == 1) return previous;
        Tensor remainder = (previous / grid.Unit).remainder(k);
        Keep(remainder, k);
        return previous - remainder * grid.Unit;
    }

    /// <summary>Keeps remainders for the backward pass, if it rebuilds p⁻.</summary>
    public void Keep(Tensor remainder, int k)
    {
        if (keeps) Remainders = Remainders.Pack(remainder, k);
    }

    /// <summary>Returns p⁻ from its divisible part.</summary>
    public Tensor Restore(Tensor divisible, int k) =>
        grid is null || k == 1 ? divisible : divisible + Remainders!.Unpack(k, divisible) * grid.Unit;

    /// <inheritdoc/>
    public void Dispose()
    {
        Drawn?.Dispose();
        Remainders?.Dispose();
    }
}
