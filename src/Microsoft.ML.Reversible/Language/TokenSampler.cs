namespace Microsoft.ML.Reversible.Language;

/// <summary>Draws tokens from logits. It reuses buffers, so only one thread may use it at a time.</summary>
/// <param name="temperature">The divisor of the logits, at least 0; 0 takes the most likely token.</param>
/// <param name="topK">The number of most likely tokens to draw from; 0 keeps all.</param>
/// <param name="topP">The total probability of the most likely tokens to draw from, within (0, 1]; 1 keeps all.</param>
internal sealed class TokenSampler(double temperature, int topK, double topP)
{
    private ulong[] _candidates = [];
    private double[] _weights = [];

    /// <summary>Draws a token and returns its id. Equal logits are ordered by id.</summary>
    /// <param name="logits">One logit for each token.</param>
    /// <param name="random">The random generator; not used at temperature 0.</param>
    /// <exception cref="InvalidOperationException">The largest logit is NaN or infinite.</exception>
    public int Draw(ReadOnlySpan<float> logits, Random random)
    {
        int best = ArgMax(logits);
        if (temperature == 0) return best;
        if (_weights.Length < logits.Length) _weights = new double[logits.Length];
        float largest = logits[best];
        bool cutsByRank = topK > 0 && topK < logits.Length;
        if (!cutsByRank && topP >= 1)
        {
            double total = Weigh(logits, largest);
            return Pick(logits.Length, total, random);
        }

        int count = cutsByRank ? MostLikely(logits, topK) : Nucleus(logits, Weigh(logits, largest));
        double sum = 0;
        for (int i = 0; i < count; i++) sum += _weights[i] = Weight(logits[Id(_candidates[i])], largest);
        if (cutsByRank) count = Reach(count, topP * sum, ref sum);
        return Id(_candidates[Pick(count, sum, random)]);
    }

    /// <summary>Sets the candidates to the k largest logits, the largest first, and returns their number.</summary>
    private int MostLikely(ReadOnlySpan<float> logits, int k)
    {
        int room = (int)Math.Min(2L * k, logits.Length), count = 0;
        if (_candidates.Length < room) _candidates = new ulong[room];
        ulong worst = ulong.MaxValue;
        for (int id = 0; id < logits.Length; id++)
        {
            ulong key = Key(logits[id], id);
            if (key >= worst) continue;
            if (count == room)
            {
                Array.Sort(_candidates, 0, count);
                (count, worst) = (k, _candidates[k - 1]);
                if (key >= worst) continue;
            }
            _candidates[count++] = key;
        }
        Array.Sort(_candidates, 0, count);
        return Math.Min(k, count);
    }

    /// <summary>Sets the candidates to the smallest set of most likely tokens whose weights reach <c>topP</c> of the total.</summary>
    private int Nucleus(ReadOnlySpan<float> logits, double total)
    {
        // All tokens below this weight together weigh less than the part that may be left out, so only the others need sorting.
        double least = (1 - topP) * total / logits.Length;
        if (_candidates.Length < logits.Length) _candidates = new ulong[logits.Length];
        int count = 0;
        for (int id = 0; id < logits.Length; id++)
            if (_weights[id] >= least) _candidates[count++] = Key(logits[id], id);
        Array.Sort(_candidates, 0, count);

        double reached = 0;
        for (int i = 0; i < count; i++)
        {
            reached += _weights[Id(_candidates[i])];
            if (reached >= topP * total) return i + 1;
        }
        return count;
    }

    /// <summary>
    /// Returns how many of the first weights are needed to reach an amount, and sets <paramref name="sum"/> to their sum.
    /// </summary>
    private int Reach(int count, double amount, ref double sum)
    {
        if (topP >= 1) return count;
        double reached = 0;
        for (int i = 0; i < count; i++)
        {
            reached += _weights[i];
            if (reached < amount) continue;
            sum = reached;
            return i + 1;
        }
        return count;
    }

    /// <summary>Draws an index with probabilities proportional to the weights.</summary>
    private int Pick(int count, double total, Random random)
    {
        double left = random.NextDouble() * total;
        int last = 0;
        for (int i = 0; i < count; i++)
        {
            if (_weights[i] == 0) continue;
            left -= _weights[i];
            if (left < 0) return i;
            last = i;
        }
        return last;
    }

    private double Weigh(ReadOnlySpan<float> logits, float largest)
    {
        double total = 0;
        for (int i = 0; i < logits.Length; i++) total += _weights[i] = Weight(logits[i], largest);
        return total;
    }

    private double Weight(float logit, float largest) => Math.Exp((logit - (double)largest) / temperature);

    private static int ArgMax(ReadOnlySpan<float> logits)
    {
        int best = 0;
        for (int i = 1; i < logits.Length; i++)
            if (logits[i] > logits[best]) best = i;
        if (!float.IsFinite(logits[best]))
            throw new InvalidOperationException(
                "The model gives logits that are not finite: its training has diverged, or its weights are damaged.");
        return best;
    }

    /// <summary>Returns a sort key that is smaller for a larger logit and, for equal logits, for a smaller id.</summary>
    private static ulong Key(float logit, int id)
    {
        // Adding 0 turns -0 into 0.
        uint bits = BitConverter.SingleToUInt32Bits(logit + 0f);
        uint descending = (bits & 0x8000_0000) == 0 ? 0x7FFF_FFFF - bits : bits;
        return ((ulong)descending << 32) | (uint)id;
    }

    private static int Id(ulong key) => (int)(uint)key;
}
