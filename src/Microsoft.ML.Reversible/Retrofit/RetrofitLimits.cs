using System.Globalization;

namespace Microsoft.ML.Reversible.Retrofitting;

/// <summary>What a conversion may take.</summary>
/// <param name="BatchTokens">Tokens of a training batch that are differentiated at a time.</param>
/// <param name="MaxSideGiB">The most side bits of such a batch, GiB; null for any number.</param>
/// <param name="MaxRelativeCost">The most that a training step may cost, in checkpointed steps, at least 1; null for any cost.</param>
internal sealed record RetrofitLimits(long BatchTokens, double? MaxSideGiB = null, double? MaxRelativeCost = null)
{
    private const double BytesPerGiB = 1 << 30;

    /// <summary>By how many times a conversion passes the limits; 0 where it fits.</summary>
    public double Excess(Scheme scheme, int layers, int width) => Math.Max(
        Part(StreamMemory.Of(scheme, layers, width, BatchTokens).SideBits / BytesPerGiB, MaxSideGiB),
        Part(scheme.EvaluationsPerLayer, MaxRelativeCost));

    /// <summary>Whether there are limits at all.</summary>
    public bool Any => MaxSideGiB is not null || MaxRelativeCost is not null;

    /// <inheritdoc/>
    public override string ToString() => (MaxSideGiB, MaxRelativeCost) switch
    {
        (null, null) => "no limits",
        ({ } memory, null) => Memory(memory),
        (null, { } cost) => Cost(cost),
        ({ } memory, { } cost) => $"{Memory(memory)} and {Cost(cost)}",
    };

    private string Memory(double gib) =>
        string.Create(CultureInfo.InvariantCulture, $"at most {gib:G4} GiB of side bits for a batch of {BatchTokens} tokens");

    private static string Cost(double cost) =>
        string.Create(CultureInfo.InvariantCulture, $"at most {cost:G4} times the cost of a checkpointed step");

    private static double Part(double value, double? limit) => limit is not { } most || value <= most ? 0 : value / most;
}
