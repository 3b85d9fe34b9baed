using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

/// <summary>
/// The multiples of 2⁻ˡ as float64. Sums of a few of them, and their products with small integers, are exact while they stay below the
/// limit, so a recurrence with integer weights can be run backwards to the bit. Float64 rather than 64-bit integers: it needs no conversion
/// before a block reads a stream, and where it leaves its range it loses bits instead of wrapping.
/// </summary>
/// <param name="fractionBits">l.</param>
internal sealed class Grid(int fractionBits)
{
    /// <summary>
    /// Resolution 6e-8, range ±1.3e8: finer than float32 above 1/2, and far above the 1e4 that outlier channels of trained models reach.
    /// </summary>
    public const int DefaultFractionBits = 24;

    private readonly double _scale = Math.ScaleB(1, fractionBits);

    /// <summary>2⁻ˡ.</summary>
    public double Unit { get; } = Math.ScaleB(1, -fractionBits);

    /// <summary>Streams must stay below this; two bits of the 53 are left for the sums on the way.</summary>
    public double Limit { get; } = Math.ScaleB(1, 51 - fractionBits);

    /// <summary>The nearest multiple of 2⁻ˡ to factor·x, ties to even.</summary>
    public Tensor Round(Tensor x, double factor = 1)
    {
        Tensor result = x.detach().to(ScalarType.Float64, copy: true);
        result.mul_(factor * _scale).round_().mul_(Unit);
        return result;
    }

    /// <exception cref="OverflowException">The largest absolute value of the streams is beyond the limit or not a number.</exception>
    public void Check(double largest)
    {
        if (!(largest < Limit))
            throw new OverflowException(
                $"A stream reached {largest:G4}, but exact arithmetic with {fractionBits} bits behind the point " +
                $"holds values up to {Limit:G4}. " +
                "A smaller step size, a lower learning rate or float arithmetic may help.");
    }
}
