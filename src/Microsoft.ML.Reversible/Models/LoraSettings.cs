using System.Globalization;

namespace Microsoft.ML.Reversible.Models;

/// <summary>What LoRA adds to a network, as PEFT's LoraConfig describes it.</summary>
/// <param name="Rank">The rank r, at least 1.</param>
/// <param name="Alpha">The numerator of the scale, positive and finite.</param>
/// <param name="RankStabilized">Whether the scale is alpha / √r (rsLoRA) instead of alpha / r.</param>
/// <param name="Targets">The adapted matrices, in the form of <see cref="LoraTargets.Parse"/>.</param>
internal sealed record LoraSettings(int Rank, double Alpha, bool RankStabilized, string Targets)
{
    /// <summary>Whether the token embedding is trained too, as a float32 copy. A tied head stays tied to it.</summary>
    public bool TrainEmbedding { get; init; }

    /// <summary>Whether the head's matrix is trained too, as a float32 copy. An embedding that is tied to it stays tied.</summary>
    public bool TrainHead { get; init; }

    /// <summary>
    /// Whether a trained embedding or head of a tied model is a matrix of its own, so that the adapted model has an untied head.
    /// </summary>
    public bool UntiesHead { get; init; }

    /// <summary>The probability with which an element of an adapter's input is dropped in training, within [0, 1).</summary>
    public double Dropout { get; init; }

    /// <summary>Whether targets that match no matrix are passed over: PEFT's lists may be made for several families of models.</summary>
    public bool PassesOverUnmatched { get; init; }

    /// <summary>The matrices that have no adapter although the targets match them; empty for none.</summary>
    public string Excluded { get; init; } = "";

    /// <summary>Ranks of some modules, by regular expressions of the ends of their names; the first that matches applies.</summary>
    public IReadOnlyList<(string Pattern, int Rank)> RankPattern { get; init; } = [];

    /// <summary>Numerators of the scale of some modules, in the same form.</summary>
    public IReadOnlyList<(string Pattern, double Alpha)> AlphaPattern { get; init; } = [];

    /// <summary>The name of the base model in PEFT's files; null if it has none.</summary>
    public string? BaseName { get; init; }

    /// <summary>Checks the numbers.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range; the message names it and the range.</exception>
    public void Check()
    {
        foreach (int rank in RankPattern.Select(entry => entry.Rank).Prepend(Rank))
            if (rank < 1)
                throw new ArgumentOutOfRangeException(
                    nameof(Rank), rank, $"Rank must be at least 1, and is {rank}: an adapter of rank 0 has nothing to train.");
        foreach (double alpha in AlphaPattern.Select(entry => entry.Alpha).Prepend(Alpha))
            if (!(alpha > 0 && double.IsFinite(alpha)))
                throw new ArgumentOutOfRangeException(nameof(Alpha), alpha, "Alpha must be positive and finite.");
        if (!(Dropout is >= 0 and < 1))
            throw new ArgumentOutOfRangeException(
                nameof(Dropout), Dropout, string.Create(CultureInfo.InvariantCulture, $"Dropout must be within [0, 1), and is {Dropout}."));
    }

    /// <summary>Returns the rank of a module's adapter.</summary>
    public int RankOf(string module) => Of(RankPattern, module, Rank);

    /// <summary>Returns the factor of a module's adapter.</summary>
    public double ScaleOf(string module)
    {
        double alpha = Of(AlphaPattern, module, Alpha);
        int rank = RankOf(module);
        return RankStabilized ? alpha / Math.Sqrt(rank) : alpha / rank;
    }

    private static T Of<T>(IReadOnlyList<(string Pattern, T Value)> patterns, string module, T otherwise)
    {
        foreach ((string pattern, T value) in patterns)
            if (LoraTargets.EndMatches(pattern, module)) return value;
        return otherwise;
    }
}
