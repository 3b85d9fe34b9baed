namespace Microsoft.ML.Reversible.Generation;

/// <summary>Draws the next token from its logits.</summary>
/// <param name="Temperature">What the logits are divided by, at least 0; 0 takes the most likely token.</param>
/// <param name="TopK">How many of the most likely tokens are kept; 0 keeps all.</param>
/// <param name="TopP">The most likely tokens are kept until their probabilities add up to this, within (0, 1]; 1 keeps all.</param>
internal readonly record struct TokenSampler(double Temperature, int TopK, double TopP)
{
    /// <summary>Throws where an option is out of its range.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The message names the option and its range.</exception>
    public void Check()
    {
        if (!(Temperature >= 0 && double.IsFinite(Temperature)))
            throw new ArgumentOutOfRangeException(
                "temperature", Temperature, "temperature must be at least 0 (which takes the most likely token) and finite.");
        if (TopK < 0) throw new ArgumentOutOfRangeException("topK", TopK, "topK must be at least 0 (which keeps every token).");
        if (!(TopP is > 0 and <= 1)) throw new ArgumentOutOfRangeException("topP", TopP, "topP must be within (0, 1].");
    }

    /// <summary>The index of the drawn token. Equal logits count in the order of their ids.</summary>
    /// <param name="logits">One logit a token.</param>
    /// <param name="random">The source of chance; not used at temperature 0.</param>
    public int Draw(ReadOnlySpan<float> logits, Random random)
    {
        if (Temperature == 0) return ArgMax(logits);
        int[] order = Descending(logits);
        int kept = TopK == 0 ? order.Length : Math.Min(TopK, order.Length);
        var weights = new double[kept];
        double total = 0;
        for (int i = 0; i < kept; i++) total += weights[i] = Math.Exp((logits[order[i]] - (double)logits[order[0]]) / Temperature);
        kept = Nucleus(weights, ref total);

        double left = random.NextDouble() * total;
        for (int i = 0; i < kept - 1; i++)
        {
            left -= weights[i];
            if (left < 0) return order[i];
        }
        return order[kept - 1];
    }

    /// <summary>How many of the weights, from the first, reach <see cref="TopP"/> of their total; the total becomes theirs.</summary>
    private int Nucleus(double[] weights, ref double total)
    {
        if (TopP >= 1) return weights.Length;
        double sum = 0;
        for (int i = 0; i < weights.Length; i++)
        {
            sum += weights[i];
            if (sum < TopP * total) continue;
            total = sum;
            return i + 1;
        }
        return weights.Length;
    }

    private static int ArgMax(ReadOnlySpan<float> logits)
    {
        int best = 0;
        for (int i = 1; i < logits.Length; i++)
            if (logits[i] > logits[best]) best = i;
        return best;
    }

    private static int[] Descending(ReadOnlySpan<float> logits)
    {
        float[] values = logits.ToArray();
        return [.. Enumerable.Range(0, values.Length).OrderByDescending(i => values[i])];
    }
}
