using System.Numerics;

namespace Microsoft.ML.Reversible.Data;

/// <summary>A pseudo-random permutation of 0 to count - 1. Each number is computed from its place alone, without a table.</summary>
/// <remarks>
/// A Feistel network permutes the numbers of an even number of bits, fewer than four times count. A result outside of the range is permuted
/// again until it is inside (cycle walking), so that the whole stays a permutation.
/// </remarks>
internal readonly struct WindowOrder
{
    private const int Rounds = 6;
    private readonly ulong _count;
    private readonly ulong _key;
    private readonly int _halfBits;

    /// <summary>Makes an order: one for each combination of seed, stream and turn.</summary>
    /// <param name="count">Number of numbers, at least 1.</param>
    /// <param name="seed">The seed of the run.</param>
    /// <param name="stream">The random stream: distinguishes the uses of a seed.</param>
    /// <param name="turn">Distinguishes the orders of one use, such as epochs.</param>
    public WindowOrder(long count, int seed, int stream, long turn)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        _count = (ulong)count;
        _key = Mix(Mix((uint)seed | (ulong)(uint)stream << 32) + (ulong)turn);
        _halfBits = Math.Max(1, (65 - BitOperations.LeadingZeroCount(_count - 1)) / 2);
    }

    /// <summary>Returns the number at a place, within [0, count).</summary>
    public long this[long place]
    {
        get
        {
            if ((ulong)place >= _count) throw new ArgumentOutOfRangeException(nameof(place), place, $"The order has {_count} places.");
            var number = (ulong)place;
            do
            {
                number = Permute(number);
            }
            while (number >= _count);
            return (long)number;
        }
    }

    private ulong Permute(ulong number)
    {
        ulong mask = (1UL << _halfBits) - 1;
        (ulong left, ulong right) = (number >> _halfBits, number & mask);
        for (ulong round = 1; round <= Rounds; round++)
            (left, right) = (right, left ^ (Mix(_key + (right * Rounds + round)) & mask));
        return left << _halfBits | right;
    }

    // SplitMix64's output function.
    private static ulong Mix(ulong value)
    {
        value += 0x9E3779B97F4A7C15;
        value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9;
        value = (value ^ value >> 27) * 0x94D049BB133111EB;
        return value ^ value >> 31;
    }
}
