namespace Microsoft.ML.Reversible.Evaluation;

/// <summary>
/// The generator of Python's <c>random.Random(seed)</c>, a 32-bit Mersenne Twister. With it, few-shot examples and bootstrap resamples are
/// those that lm-evaluation-harness draws.
/// </summary>
internal sealed class PythonRandom
{
    private const int Size = 624;
    private const int Shift = 397;

    private readonly uint[] _state = new uint[Size];
    private int _next = Size;

    /// <param name="seed">The seed. As in Python, its sign is ignored.</param>
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

    /// <summary>Draws distinct numbers below a bound, as <c>sample</c> does, and returns them in the order of drawing.</summary>
    /// <param name="bound">The exclusive bound, at least <paramref name="count"/>.</param>
    /// <param name="count">The number of draws.</param>
    public int[] Sample(int bound, int count)
    {
        // As in Python, a list of the remaining numbers is used if it takes less memory than a set of the drawn numbers.
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

    /// <summary>Returns the mean of a resample of the same size, drawn with replacement as by <c>choices</c>.</summary>
    /// <param name="values">At least one value.</param>
    public double MeanOfChoices(ReadOnlySpan<double> values)
    {
        double sum = 0;
        for (int i = 0; i < values.Length; i++) sum += values[(int)(NextDouble() * values.Length)];
        return sum / values.Length;
    }

    /// <summary>Draws a number in [0, 1) with 53 bits, as <c>random</c> does.</summary>
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

    /// <summary>Returns the next index of the seeding algorithm. It wraps to 1, and then copies the last word to index 0.</summary>
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
