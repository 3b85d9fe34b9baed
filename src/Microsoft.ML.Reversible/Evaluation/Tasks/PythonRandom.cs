namespace Microsoft.ML.Reversible.Evaluation;

/// <summary>
/// Draws as Python's <c>random.Random(seed)</c> does, so that a few-shot context holds the examples that lm-evaluation-harness draws, and
/// an error the resamples: a Mersenne Twister of 32 bits, seeded with the words of the seed's size.
/// </summary>
internal sealed class PythonRandom
{
    private const int Size = 624;
    private const int Shift = 397;

    private readonly uint[] _state = new uint[Size];
    private int _next = Size;

    /// <param name="seed">The seed; as in Python its sign does not matter.</param>
    public PythonRandom(int seed)
    {
        Fill(19650218);
        uint key = (uint)Math.Abs((long)seed);
        int i = 1;
        for (int step = 0; step < Size; step++)
        {
            _state[i] = (_state[i] ^ Mixed(i) * 1664525) + key;
            i = Following(i);
        }
        for (int step = 1; step < Size; step++)
        {
            _state[i] = (_state[i] ^ Mixed(i) * 1566083941) - (uint)i;
            i = Following(i);
        }
        _state[0] = 0x80000000;
    }

    /// <summary>Different numbers below a bound, in the order in which they are drawn.</summary>
    /// <param name="bound">One more than the largest number; at least <paramref name="count"/>.</param>
    /// <param name="count">How many numbers.</param>
    public int[] Sample(int bound, int count)
    {
        // Python keeps a list of those left where that takes less memory than a set of those drawn.
        double setSize = 21;
        if (count > 5) setSize += Math.Pow(4, Math.Ceiling(Math.Log(count * 3, 4)));
        var drawn = new int[count];
        if (bound <= setSize)
        {
            int[] left = [.. Enumerable.Range(0, bound)];
            for (int i = 0; i < count; i++)
            {
                int at = Below(bound - i);
                drawn[i] = left[at];
                left[at] = left[bound - i - 1];
            }
            return drawn;
        }
        var seen = new HashSet<int>();
        for (int i = 0; i < count; i++)
        {
            do drawn[i] = Below(bound);
            while (!seen.Add(drawn[i]));
        }
        return drawn;
    }

    /// <summary>The mean of as many of the values as there are, drawn with replacement as <c>choices</c> draws them.</summary>
    /// <param name="values">At least one value.</param>
    public double MeanOfChoices(ReadOnlySpan<double> values)
    {
        double sum = 0;
        for (int i = 0; i < values.Length; i++) sum += values[(int)(NextDouble() * values.Length)];
        return sum / values.Length;
    }

    /// <summary>A number within [0, 1), of 53 bits.</summary>
    private double NextDouble()
    {
        uint high = NextWord() >> 5, low = NextWord() >> 6;
        return (high * (double)(1 << 26) + low) / (1L << 53);
    }

    private int Below(int bound)
    {
        int bits = 32 - int.LeadingZeroCount(bound);
        uint drawn;
        do drawn = NextWord() >> (32 - bits);
        while (drawn >= (uint)bound);
        return (int)drawn;
    }

    private void Fill(uint seed)
    {
        _state[0] = seed;
        for (int i = 1; i < Size; i++) _state[i] = Mixed(i) * 1812433253 + (uint)i;
    }

    private uint Mixed(int i) => _state[i - 1] ^ (_state[i - 1] >> 30);

    /// <summary>The next index of the seeding, which skips 0 and carries the last word over to it.</summary>
    private int Following(int i)
    {
        if (i + 1 < Size) return i + 1;
        _state[0] = _state[Size - 1];
        return 1;
    }

    private uint NextWord()
    {
        if (_next == Size) Twist();
        uint word = _state[_next++];
        word ^= word >> 11;
        word ^= (word << 7) & 0x9D2C5680;
        word ^= (word << 15) & 0xEFC60000;
        return word ^ (word >> 18);
    }

    private void Twist()
    {
        for (int i = 0; i < Size; i++)
        {
            uint joined = (_state[i] & 0x80000000) | (_state[(i + 1) % Size] & 0x7FFFFFFF);
            _state[i] = _state[(i + Shift) % Size] ^ (joined >> 1) ^ ((joined & 1) == 0 ? 0 : 0x9908B0DF);
        }
        _next = 0;
    }
}
