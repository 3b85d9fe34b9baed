using System.Globalization;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Kernels;

/// <summary>
/// The multiples of 2⁻ˡ as float64. Sums of a few of them, and their products with small integers, are exact below the limit, so a
/// recurrence with integer coefficients can be run backwards to the bit. Float64 rather than 64-bit integers: a block can read it without
/// a conversion, and beyond its range it loses bits instead of wrapping around.
/// </summary>
/// <param name="fractionBits">l.</param>
/// <param name="device">The device of the hidden states.</param>
internal sealed class Grid(int fractionBits, Device device) : IDisposable
{
    /// <summary>
    /// Resolution 6e-8, range ±1.3e8: finer than float32 above 1/2, and far above the 1e4 that outlier channels of trained models reach.
    /// </summary>
    public const int DefaultFractionBits = 24;

    /// <summary>
    /// 1.5 · 2⁵²⁻ˡ: float64 numbers near it are 2⁻ˡ apart, so adding it rounds to the grid. It has a dimension, because the sum of a
    /// scalar tensor and a float32 tensor would be float32.
    /// </summary>
    private readonly Tensor _anchor =
        full([1], AnchorOf(fractionBits), dtype: ScalarType.Float64, device: device).DetachFromDisposeScope();

    /// <summary>1.5 · 2⁵²⁻ˡ.</summary>
    public double Anchor { get; } = AnchorOf(fractionBits);

    /// <summary>2⁻ˡ.</summary>
    public double Unit { get; } = Math.ScaleB(1, -fractionBits);

    /// <summary>Hidden states must stay below it; two of the 53 bits are left for intermediate sums.</summary>
    public double Limit { get; } = Math.ScaleB(1, 51 - fractionBits);

    /// <summary>Returns the multiple of 2⁻ˡ nearest to factor·x, ties to even, for values within the limit.</summary>
    /// <param name="x">x, of any floating type.</param>
    /// <param name="factor">The factor, rounded to float32, so that its products with float32 numbers are exact.</param>
    public Tensor Round(Tensor x, double factor = 1)
    {
        using var scope = NewDisposeScope();
        Tensor result = factor == 1
            ? _anchor + x.detach()
            : x.detach().to(ScalarType.Float64, copy: true).mul_((float)factor).add_(_anchor);
        return result.sub_(_anchor).MoveToOuterDisposeScope();
    }

    /// <exception cref="OverflowException">The largest absolute value is beyond the limit or not a number.</exception>
    public void Check(double largest)
    {
        if (!(largest < Limit))
            throw new OverflowException(string.Create(
                CultureInfo.InvariantCulture,
                $"A hidden state reached {largest:G4}, but exact arithmetic with {fractionBits} fraction bits " +
                $"holds values up to {Limit:G4}. A smaller step size, a lower learning rate or float arithmetic may help."));
    }

    /// <inheritdoc/>
    public void Dispose() => _anchor.Dispose();

    private static double AnchorOf(int fractionBits) => Math.ScaleB(1.5, 52 - fractionBits);
}
