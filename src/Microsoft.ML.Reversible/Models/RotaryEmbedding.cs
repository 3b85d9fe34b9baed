using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Models;

/// <summary>
/// Rotary positions in the half-split layout of Hugging Face's Llama: with d numbers in a head and angles a = t θ^(-2i/d) at position t,
/// <code>
///     x'_i = x_i cos a - x_{i+d/2} sin a          x'_{i+d/2} = x_{i+d/2} cos a + x_i sin a          i &lt; d/2
/// </code>
/// </summary>
/// <remarks>Not a module: its tables are no weights, and a module's field that is a tensor would become one.</remarks>
internal sealed class RotaryEmbedding : IDisposable
{
    private Tensor? _cosines;
    private Tensor? _sines;

    /// <summary>Makes the tables when the parameters are allocated.</summary>
    /// <param name="make">Makes the parameters.</param>
    /// <param name="compute">The number type of the tables, which is that of the queries and keys.</param>
    /// <param name="size">d, even.</param>
    /// <param name="context">Number of positions.</param>
    /// <param name="theta">θ.</param>
    public RotaryEmbedding(ParameterFactory make, ScalarType compute, int size, int context, double theta) =>
        make.WhenAllocated(device =>
        {
            using var scope = NewDisposeScope();
            // In float64 until the end: the angle of a late position has few digits after the point in float32.
            Tensor frequencies = tensor(
                [.. Enumerable.Range(0, size / 2).Select(i => Math.Pow(theta, -2.0 * i / size))], dtype: ScalarType.Float64, device: CPU);
            Tensor angles = arange(0, context, dtype: ScalarType.Float64, device: CPU).outer(frequencies);
            Tensor cosines = angles.cos(), sines = angles.sin();
            _cosines = Table(cosines, cosines);
            _sines = Table(-sines, sines);

            Tensor Table(Tensor first, Tensor second) =>
                cat([first, second], -1).unsqueeze(1).to(compute).to(device).DetachFromDisposeScope();
        });

    /// <summary>Rotates queries and keys.</summary>
    /// <param name="x">Queries or keys, of shape [batch, tokens, heads, d].</param>
    /// <param name="positions">
    /// The tokens' positions, int64, [batch, tokens], or [batch] where each row has one token; null for tokens from position 0 on.
    /// </param>
    /// <returns>A tensor of the same shape, in the caller's dispose scope.</returns>
    public Tensor Rotate(Tensor x, Tensor? positions = null)
    {
        using var scope = NewDisposeScope();
        Tensor[] halves = x.chunk(2, -1);
        // Whole heads at a time: halves of narrow heads are too short for vector instructions.
        return (x * Rows(_cosines!, x, positions)).addcmul(cat([halves[1], halves[0]], -1), Rows(_sines!, x, positions), 1)
            .MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        _cosines?.Dispose();
        _sines?.Dispose();
    }

    private static Tensor Rows(Tensor table, Tensor x, Tensor? positions) => positions is null
        ? table.narrow(0, 0, x.shape[1])
        : table.index_select(0, positions.flatten()).view(x.shape[0], x.shape[1], 1, table.shape[2]);
}
