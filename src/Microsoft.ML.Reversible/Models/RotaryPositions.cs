using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Models;

/// <summary>
/// Rotary positions in the half-split layout of Hugging Face's Llama: with d numbers in a head and angles a = t θ^(-2i/d) at position t,
/// <code>
///     x'_i = x_i cos a - x_{i+d/2} sin a          x'_{i+d/2} = x_{i+d/2} cos a + x_i sin a          i &lt; d/2
/// </code>
/// </summary>
internal sealed class RotaryPositions : IDisposable
{
    private readonly Tensor _cosines;
    private readonly Tensor _sines;

    /// <summary>Makes the tables for a model's context, in the type in which its blocks compute.</summary>
    public RotaryPositions(LlamaConfiguration configuration, ScalarType compute, Device device)
    {
        using var scope = NewDisposeScope();
        int half = configuration.HeadSize / 2;
        // In float64 until the end: the angle of a late position keeps few digits behind the point in float32.
        Tensor frequencies = tensor(
            [.. Enumerable.Range(0, half).Select(i => Math.Pow(configuration.RopeTheta, -2.0 * i / configuration.HeadSize))],
            dtype: ScalarType.Float64, device: CPU);
        Tensor angles = arange(0, configuration.ContextLength, dtype: ScalarType.Float64, device: CPU).outer(frequencies);
        Tensor cosines = angles.cos(), sines = angles.sin();
        _cosines = Table(cosines, cosines);
        _sines = Table(-sines, sines);

        Tensor Table(Tensor first, Tensor second) =>
            cat([first, second], -1).unsqueeze(1).to(compute).to(device).DetachFromDisposeScope();
    }

    /// <summary>Turns queries and keys.</summary>
    /// <param name="x">Of shape [batch, tokens, heads, d].</param>
    /// <param name="positions">
    /// The tokens' positions, int64, [batch, tokens], or [batch] where each row has one token; null for tokens from position 0 on.
    /// </param>
    /// <returns>The same, turned, in the caller's dispose scope.</returns>
    public Tensor Turn(Tensor x, Tensor? positions = null)
    {
        using var scope = NewDisposeScope();
        Tensor[] halves = x.chunk(2, -1);
        // Whole heads at a time: halves of narrow ones are too short for vector instructions.
        return (x * Rows(_cosines, x, positions)).addcmul(cat([halves[1], halves[0]], -1), Rows(_sines, x, positions), 1)
            .MoveToOuterDisposeScope();
    }

    private static Tensor Rows(Tensor table, Tensor x, Tensor? positions) => positions is null
        ? table.narrow(0, 0, x.shape[1])
        : table.index_select(0, positions.flatten()).view(x.shape[0], x.shape[1], 1, table.shape[2]);

    public void Dispose()
    {
        _cosines.Dispose();
        _sines.Dispose();
    }
}
