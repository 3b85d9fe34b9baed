namespace Microsoft.ML.Reversible;

/// <summary>
/// What a training batch's streams take between the way forward and the way back, computed from their sizes. The graph of the one block
/// that is differentiated at a time, the head and the parameters come on top, and are the same in all cases.
/// </summary>
/// <param name="Tokens">Tokens of the batch, padding included.</param>
/// <param name="Reversible">Bytes that the scheme's reversible way back keeps: a few streams, and the side bits.</param>
/// <param name="SideBits">Bytes of these that are side bits, which alone grow with depth.</param>
/// <param name="Checkpointed">Bytes that checkpointing keeps, a stream of float32 before every layer and the last.</param>
public sealed record StreamMemory(long Tokens, long Reversible, long SideBits, long Checkpointed)
{
    private const int Float32 = 4;
    private const int Float64 = 8;

    /// <summary>Computes it.</summary>
    /// <param name="scheme">The scheme.</param>
    /// <param name="layers">Number of layers.</param>
    /// <param name="width">Length of a stream's vectors.</param>
    /// <param name="tokens">Tokens of the batch.</param>
    /// <param name="arithmetic">The numbers that the streams are made of; null takes the scheme's own choice.</param>
    internal static StreamMemory Of(Scheme scheme, int layers, int width, long tokens, Arithmetic? arithmetic = null)
    {
        bool exact = (arithmetic ?? scheme.DefaultArithmetic) == Arithmetic.Exact;
        long elements = checked(tokens * width);
        // The first stream and the last two; on a grid, where they are float64, the output is a float32 copy besides.
        long streams = exact ? 3 * Float64 + Float32 : 3 * Float32;
        // The first two layers lead back to the first stream, which is kept, and to the one behind it.
        long side = checked(Math.Max(0, layers - 2) * (((exact ? elements * scheme.SideBitsPerActivation : 0) + 7) / 8));
        return new(tokens, checked(elements * streams + side), side, checked((layers + 1) * elements * Float32));
    }
}
