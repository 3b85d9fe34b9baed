using Microsoft.ML.Reversible.Evaluation;

namespace Microsoft.ML.Reversible;

/// <summary>What a model reaches on a task, in the numbers of lm-evaluation-harness.</summary>
/// <remarks>
/// A standard error is the sample deviation over the items, with n-1, divided by √n. That of a perplexity is its own size times the one of
/// the mean log-likelihood, where the harness draws samples. Properties that the task's kind does not have are NaN.
/// </remarks>
public sealed partial class ZeroShotMetrics
{
    private readonly IReadOnlyList<string> _customary;

    internal ZeroShotMetrics(string task, ZeroShotKind kind, IReadOnlyList<ZeroShotMetric> values, IReadOnlyList<string> customary)
    {
        Task = task;
        Kind = kind;
        Values = values;
        _customary = customary;
    }

    /// <summary>The name of the task or group.</summary>
    public string Task { get; }

    /// <summary>What was asked of the model.</summary>
    public ZeroShotKind Kind { get; }

    /// <summary>All numbers that the kind has.</summary>
    public IReadOnlyList<ZeroShotMetric> Values { get; }

    /// <summary>Number of items.</summary>
    public required long ItemCount { get; init; }

    /// <summary>Number of examples before each question.</summary>
    public required int ShotCount { get; init; }

    /// <summary>How long the evaluation took; of a group, all of them together.</summary>
    public required TimeSpan Duration { get; init; }

    /// <summary>The part of the items whose most likely choice is the right one, or whose word greedy decoding writes.</summary>
    public double Accuracy => Find(ZeroShotMetricNames.Accuracy).Value;

    /// <summary>The standard error of <see cref="Accuracy"/>.</summary>
    public double AccuracyStandardError => Find(ZeroShotMetricNames.Accuracy).StandardError;

    /// <summary>The same, with log-likelihoods divided by the choices' characters: <c>acc_norm</c>.</summary>
    public double NormalizedAccuracy => Find(ZeroShotMetricNames.NormalizedAccuracy).Value;

    /// <summary>The standard error of <see cref="NormalizedAccuracy"/>.</summary>
    public double NormalizedAccuracyStandardError => Find(ZeroShotMetricNames.NormalizedAccuracy).StandardError;

    /// <summary>The same, with log-likelihoods divided by the choices' bytes of UTF-8: <c>acc_bytes</c>.</summary>
    public double BytesAccuracy => Find(ZeroShotMetricNames.BytesAccuracy).Value;

    /// <summary>The standard error of <see cref="BytesAccuracy"/>.</summary>
    public double BytesAccuracyStandardError => Find(ZeroShotMetricNames.BytesAccuracy).StandardError;

    /// <summary>Of a last word: e to the power of minus the mean log-likelihood of an item's word.</summary>
    public double Perplexity => Find(ZeroShotMetricNames.Perplexity).Value;

    /// <summary>The standard error of <see cref="Perplexity"/>: the deviation over 100,000 resamples of the items.</summary>
    public double PerplexityStandardError => Find(ZeroShotMetricNames.Perplexity).StandardError;

    /// <summary>Of whole texts: e to the power of minus the log-likelihood of a word, words being parted by white space.</summary>
    public double WordPerplexity => Find(ZeroShotMetricNames.WordPerplexity).Value;

    /// <summary>Of whole texts: e to the power of minus the log-likelihood of a byte of UTF-8.</summary>
    public double BytePerplexity => Find(ZeroShotMetricNames.BytePerplexity).Value;

    /// <summary>Of whole texts: bits that the model needs for a byte of UTF-8.</summary>
    public double BitsPerByte => Find(ZeroShotMetricNames.BitsPerByte).Value;

    /// <summary>The harness's version of the task; empty where it has none.</summary>
    internal string Version { get; init; } = "";

    /// <summary>The numbers that are customary for the task, in the order that it names them in.</summary>
    internal IEnumerable<ZeroShotMetric> Customary => _customary.SelectMany(name => Values.Where(value => value.Name == name));

    /// <summary>
    /// The average over several tasks, each weighted by its items, with the pooled standard error, as the harness has it for MMLU:
    /// √(Σ (nᵢ-1) nᵢ eᵢ² / (Σ nᵢ - k)) / √(Σ nᵢ) of k tasks.
    /// </summary>
    /// <param name="name">The group's name, such as <c>mmlu</c>.</param>
    /// <param name="parts">The tasks' metrics, at least one.</param>
    /// <exception cref="ArgumentException">There is none, or they are of different kinds.</exception>
    public static ZeroShotMetrics Combine(string name, IEnumerable<ZeroShotMetrics> parts)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentNullException.ThrowIfNull(parts);
        ZeroShotMetrics[] all = [.. parts];
        if (all.Length == 0) throw new ArgumentException("There must be at least one task to combine.", nameof(parts));
        if (all.Select(part => part.Kind).Distinct().Count() > 1)
            throw new ArgumentException(
                $"Tasks of different kinds have no numbers in common: {string.Join(", ", all.Select(part => part.Task))}.", nameof(parts));
        long items = all.Sum(part => part.ItemCount);
        return new(name, all[0].Kind, [.. all[0].Values.Select(Pooled)], all[0]._customary)
        {
            ItemCount = items,
            ShotCount = all.Max(part => part.ShotCount),
            Duration = TimeSpan.FromTicks(all.Sum(part => part.Duration.Ticks)),
        };

        ZeroShotMetric Pooled(ZeroShotMetric like)
        {
            double mean = all.Sum(part => part.ItemCount * part.Find(like.Name).Value) / items;
            double squares = all.Where(part => part.ItemCount > 1)
                .Sum(part => (part.ItemCount - 1) * part.ItemCount * Math.Pow(part.Find(like.Name).StandardError, 2));
            bool isKnown = items > all.Length;
            return new(like.Name, mean, isKnown ? Math.Sqrt(squares / (items - all.Length) / items) : double.NaN);
        }
    }

    private ZeroShotMetric Find(string name)
    {
        foreach (ZeroShotMetric value in Values)
            if (value.Name == name) return value;
        return new(name, double.NaN, double.NaN);
    }
}
