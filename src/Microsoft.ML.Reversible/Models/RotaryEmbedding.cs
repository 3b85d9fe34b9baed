using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Models;

/// <summary>
/// Rotary positions in the half-split layout of Hugging Face's Llama: with d numbers in a head and angles a = t ω_i at position t,
/// ω_i = θ^(-2i/d) unless they are scaled,
/// <code>
///     x'_i = x_i cos a - x_{i+d/2} sin a          x'_{i+d/2} = x_{i+d/2} cos a + x_i sin a          i &lt; d/2
/// </code>
/// </summary>
/// <remarks>Not a module, because a module would register its tables as buffers.</remarks>
internal sealed class RotaryEmbedding : IDisposable
{
    private readonly RotarySettings _settings;
    private readonly ScalarType _compute;
    private readonly int _size;
    private Tensor? _cosines;
    private Tensor? _sines;

    /// <summary>Makes the tables when the parameters are allocated.</summary>
    /// <param name="make">Makes the parameters.</param>
    /// <param name="compute">The number type of the tables, which is that of the queries and keys.</param>
    /// <param name="headSize">Number of numbers in a head, even.</param>
    /// <param name="context">Number of positions.</param>
    /// <param name="settings">The frequencies, and how many numbers of a head are rotated.</param>
    public RotaryEmbedding(ParameterFactory make, ScalarType compute, int headSize, int context, RotarySettings settings)
    {
        (_settings, _compute, _size) = (settings, compute, settings.Size(headSize));
        make.WhenAllocated(device =>
        {
            if (_cosines is not null) return;
            using var scope = NewDisposeScope();
            int fixedLength = Math.Min(settings.Scaling?.FixedLength ?? context, context);
            Tensor angles = Angles(fixedLength, fixedLength);
            // For sequences that grow token by token, a later row has the frequencies of the sequence that ends with it.
            if (fixedLength < context)
            {
                IEnumerable<double> late = Enumerable.Range(fixedLength, context - fixedLength)
                    .SelectMany(t => settings.Frequencies(_size, t + 1).Select(frequency => t * frequency));
                long[] shape = [context - fixedLength, _size / 2];
                angles = cat([angles, tensor(late.ToArray(), shape, dtype: ScalarType.Float64, device: CPU)], 0);
            }
            (Tensor cosines, Tensor sines) = Tables(angles, device);
            (_cosines, _sines) = (cosines.DetachFromDisposeScope(), sines.DetachFromDisposeScope());
        });
    }

    /// <summary>Uses the tables that another object with the same settings has; either may be disposed of first.</summary>
    public void Share(RotaryEmbedding other)
    {
        if (other._compute != _compute) return;
        (_cosines, _sines) = (other._cosines!.alias().DetachFromDisposeScope(), other._sines!.alias().DetachFromDisposeScope());
    }

    /// <summary>Rotates queries and keys.</summary>
    /// <param name="x">Queries or keys, of shape [batch, tokens, heads, d].</param>
    /// <param name="positions">
    /// The tokens' positions, int64, [batch, tokens], or [batch] where each row has one token; null for tokens from position 0 on.
    /// </param>
    /// <param name="lengths">
    /// The number of tokens of each row's sequence; null where all have as many as the row, or where sequences grow by one token.
    /// </param>
    /// <returns>A tensor of the same shape, in the caller's dispose scope.</returns>
    public Tensor Rotate(Tensor x, Tensor? positions = null, IReadOnlyList<int>? lengths = null)
    {
        using var scope = NewDisposeScope();
        (Tensor cosines, Tensor sines) = Rows(x, positions, lengths);
        Tensor turned = x.shape[3] == _size ? x : x.narrow(3, 0, _size);
        Tensor[] halves = turned.chunk(2, -1);
        // Works on whole heads: halves of narrow heads are too short for vector instructions.
        turned = (turned * cosines).addcmul(cat([halves[1], halves[0]], -1), sines, 1);
        return (x.shape[3] == _size ? turned : cat([turned, x.narrow(3, _size, x.shape[3] - _size)], 3)).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        _cosines?.Dispose();
        _sines?.Dispose();
    }

    /// <summary>Returns the cosines and sines of the tokens.</summary>
    private (Tensor Cosines, Tensor Sines) Rows(Tensor x, Tensor? positions, IReadOnlyList<int>? lengths)
    {
        int batch = (int)x.shape[0], tokens = (int)x.shape[1];
        int longest = lengths?.Max() ?? (positions is null ? tokens : 0);
        if (longest > _settings.Scaling?.FixedLength)
        {
            IEnumerable<Tensor> angles = (lengths ?? [tokens]).Select(length => Angles(tokens, length));
            (Tensor cosines, Tensor sines) = Tables(stack(angles.ToArray(), 0), x.device);
            return (Of(cosines), Of(sines));

            Tensor Of(Tensor table) =>
                positions is null ? table : table.gather(1, positions.view(batch, tokens, 1, 1).expand(batch, tokens, 1, _size));
        }
        return (FromTable(_cosines!), FromTable(_sines!));

        Tensor FromTable(Tensor table) => positions is null
            ? table.narrow(0, 0, tokens)
            : table.index_select(0, positions.flatten()).view(batch, tokens, 1, _size);
    }

    /// <summary>Returns the angles of the first positions in a sequence of a length, of shape [positions, d/2].</summary>
    /// <remarks>In float64: in float32 the angle of a late position has few digits after the decimal point.</remarks>
    private Tensor Angles(int count, int length)
    {
        using var scope = NewDisposeScope();
        Tensor frequencies = tensor(_settings.Frequencies(_size, length), dtype: ScalarType.Float64, device: CPU);
        return arange(0, count, dtype: ScalarType.Float64, device: CPU).outer(frequencies).MoveToOuterDisposeScope();
    }

    /// <summary>Returns the cosines and sines as they are multiplied with whole heads: of shape [.., positions, 1, d].</summary>
    private (Tensor Cosines, Tensor Sines) Tables(Tensor angles, Device device)
    {
        double factor = _settings.Scaling?.TableFactor ?? 1;
        Tensor cosines = angles.cos(), sines = angles.sin();
        if (factor != 1) (cosines, sines) = (cosines * factor, sines * factor);
        return (Table(cosines, cosines), Table(-sines, sines));

        Tensor Table(Tensor first, Tensor second) => cat([first, second], -1).unsqueeze(-2).to(_compute).to(device);
    }
}
