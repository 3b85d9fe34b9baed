using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

/// <summary>The difference between a stream and what running the recurrence back gives for it.</summary>
/// <param name="Max">The largest absolute value of the difference.</param>
/// <param name="Rms">Its root mean square.</param>
/// <param name="StreamRms">The root mean square of the stream itself, to set the others against.</param>
public readonly record struct RebuildError(double Max, double Rms, double StreamRms)
{
    /// <summary>
    /// The root mean square of the difference as a part of the stream's; 0 for a stream of zeros that is rebuilt as such.
    /// </summary>
    public double Relative => Rms == 0 ? 0 : Rms / StreamRms;

    internal static RebuildError Of(Tensor rebuilt, Tensor stream)
    {
        using var scope = NewDisposeScope();
        Tensor kept = stream.to(ScalarType.Float64), difference = rebuilt.to(ScalarType.Float64) - kept;
        return new(Number(difference.abs().max()), Math.Sqrt(Number(difference.square().mean())), Math.Sqrt(Number(kept.square().mean())));

        // A stream that left the range of its type on the way back is as wrong as can be.
        static double Number(Tensor x) => x.ToDouble() is var value && double.IsNaN(value) ? double.PositiveInfinity : value;
    }

    /// <summary>Several streams of one size as one.</summary>
    internal static RebuildError Over(IReadOnlyCollection<RebuildError> errors) => new(
        errors.Max(e => e.Max),
        Math.Sqrt(errors.Average(e => e.Rms * e.Rms)),
        Math.Sqrt(errors.Average(e => e.StreamRms * e.StreamRms)));
}
