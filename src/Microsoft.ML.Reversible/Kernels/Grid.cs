using System.Globalization;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Kernels;

/// <summary>
/// The multiples of 2⁻ˡ as float64. Sums of a few of them, and their products with small integers, are exact while they stay below the
/// limit, so a recurrence with integer weights can be run backwards to the bit. Float64 rather than 64-bit integers: it needs no conversion
/// before a block reads a stream, and where it leaves its range it loses bits instead of wrapping.
/// </summary>
/// <param name="fractionBits">l.</param>
/// <param name="device">The streams' device.</param>
internal sealed class Grid(int fractionBits, Device device) : IDisposable
{
    /// <summary>
    /// Resolution 6e-8, range ±1.3e8: finer than float32 above 1/2, and far above the 1e4 that outlier channels of trained models reach.
    /// </summary>
    public const int DefaultFractionBits = 24;

    /// <summary>
    /// 1.5 · 2⁵²⁻ˡ: float64 numbers around it are multiples of 2⁻ˡ apart, so adding it rounds to the grid. A tensor with a dimension, since
    /// in a sum of two types only such a one makes the result float64.
    /// </summary>
    private readonly Tensor _anchor =
        full([1], AnchorOf(fractionBits), dtype: ScalarType.Float64, device: device).DetachFromDisposeScope();

    /// <summary>1.5 · 2⁵²⁻ˡ.</summary>
    public double Anchor { get; } = AnchorOf(fractionBits);

    /// <summary>2⁻ˡ.</summary>
    public double Unit { get; } = Math.ScaleB(1, -fractionBits);

    /// <summary>Streams must stay below this; two bits of the 53 are left for the sums on the way.</summary>
    public double Limit { get; } = Math.ScaleB(1, 51 - fractionBits);

    /// <summary>The nearest multiple of 2⁻ˡ to factor·x, ties to even, for values within the limit.</summary>
    /// <param name="x">x, of any floating type.</param>
    /// <param name="factor">Taken to float32's precision, with which its products with float32 numbers are exact.</param>
    public Tensor Round(Tensor x, double factor = 1)
    {
        using var scope = NewDisposeScope();
        Tensor result = factor == 1
            ? _anchor + x.detach()
            : x.detach().to(ScalarType.Float64, copy: true).mul_((float)factor).add_(_anchor);
        return result.sub_(_anchor).MoveToOuterDisposeScope();
    }

    /// <exception cref="OverflowException">The largest absolute value of the streams is beyond the limit or not a number.</exception>
    public void Check(double largest)
    {
        if (!(largest < Limit))
            throw new OverflowException(string.Create(
                CultureInfo.InvariantCulture,
                $"A stream reached {largest:G4}, but exact arithmetic with {fractionBits} bits behind the point " +
                $"holds values up to {Limit:G4}. A smaller step size, a lower learning rate or float arithmetic may help."));
    }

    /// <inheritdoc/>
    public void Dispose() => _anchor.Dispose();

    private static double AnchorOf(int fractionBits) => Math.ScaleB(1.5, 52 - fractionBits);
}
