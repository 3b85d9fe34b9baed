namespace Microsoft.ML.Reversible.Schemes;

/// <summary>
/// Generates random numbers as a function of a key and a counter. The numbers of neighbouring keys are independent; those of
/// <see cref="Random"/> are not, because its generator is linear in its seed.
/// </summary>
/// <remarks>
/// Applies the output function of SplitMix64 (Steele, Lea and Flood, Fast splittable pseudorandom number generators, OOPSLA 2014) once for
/// each word of the key and once for the counter.
/// </remarks>
/// <param name="key">The words of the key, such as seed and row.</param>
internal sealed class CounterRandom(params ReadOnlySpan<long> key) : Random
{
    private const ulong Step = 0x9E3779B97F4A7C15;

    private readonly ulong _key = Fold(key);
    private ulong _counter;

    /// <summary>Returns 64 random bits for a key.</summary>
    public static ulong Bits(params ReadOnlySpan<long> key) => Fold(key);

    /// <inheritdoc/>
    public override double NextDouble() => Sample();

    /// <inheritdoc/>
    protected override double Sample() => (Mix(_key ^ Mix(++_counter * Step)) >> 11) * (1.0 / (1L << 53));

    private static ulong Fold(ReadOnlySpan<long> key)
    {
        ulong state = 0;
        foreach (long word in key) state = Mix(state + Step ^ Mix((ulong)word + Step));
        return state;
    }

    private static ulong Mix(ulong z)
    {
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
        z = (z ^ z >> 27) * 0x94D049BB133111EB;
        return z ^ z >> 31;
    }
}
