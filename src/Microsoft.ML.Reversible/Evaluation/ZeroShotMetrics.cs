using System.Text;
using System.Text.Json;
using Microsoft.ML.Reversible.Evaluation;

namespace Microsoft.ML.Reversible;

/// <summary>The metrics of a model on a task, as lm-evaluation-harness computes them.</summary>
/// <remarks>
/// A standard error is the sample standard deviation over the items, with n-1, divided by √n; for a perplexity it is a bootstrap estimate.
/// Metrics that the task's kind does not have are NaN.
/// </remarks>
public sealed class ZeroShotMetrics
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

    /// <summary>The kind of the task.</summary>
    public ZeroShotKind Kind { get; }

    /// <summary>All metrics of the kind.</summary>
    public IReadOnlyList<ZeroShotMetric> Values { get; }

    /// <summary>The number of items.</summary>
    public required long ItemCount { get; init; }

    /// <summary>The number of examples before each question.</summary>
    public required int ShotCount { get; init; }

    /// <summary>The duration of the evaluation; for a group, the sum over its tasks.</summary>
    public required TimeSpan Duration { get; init; }

    /// <summary>The fraction of items whose most likely choice is right, or whose word greedy decoding generates: <c>acc</c>.</summary>
    public double Accuracy => Find(ZeroShotMetricNames.Accuracy).Value;

    /// <summary>The standard error of <see cref="Accuracy"/>.</summary>
    public double AccuracyStandardError => Find(ZeroShotMetricNames.Accuracy).StandardError;

    /// <summary>The accuracy with log-likelihoods divided by the choices' characters: <c>acc_norm</c>.</summary>
    public double NormalizedAccuracy => Find(ZeroShotMetricNames.NormalizedAccuracy).Value;

    /// <summary>The standard error of <see cref="NormalizedAccuracy"/>.</summary>
    public double NormalizedAccuracyStandardError => Find(ZeroShotMetricNames.NormalizedAccuracy).StandardError;

    /// <summary>The accuracy with log-likelihoods divided by the choices' UTF-8 bytes: <c>acc_bytes</c>.</summary>
    public double BytesAccuracy => Find(ZeroShotMetricNames.BytesAccuracy).Value;

    /// <summary>The standard error of <see cref="BytesAccuracy"/>.</summary>
    public double BytesAccuracyStandardError => Find(ZeroShotMetricNames.BytesAccuracy).StandardError;

    /// <summary>For <see cref="ZeroShotKind.LastWord"/>: exp(-mean log-likelihood of an item's word).</summary>
    public double Perplexity => Find(ZeroShotMetricNames.Perplexity).Value;

    /// <summary>The standard error of <see cref="Perplexity"/>: the standard deviation over 100,000 resamples of the items.</summary>
    public double PerplexityStandardError => Find(ZeroShotMetricNames.Perplexity).StandardError;

    /// <summary>For whole texts: exp(-log-likelihood per word), where white space separates words.</summary>
    public double WordPerplexity => Find(ZeroShotMetricNames.WordPerplexity).Value;

    /// <summary>For whole texts: exp(-log-likelihood per byte of UTF-8).</summary>
    public double BytePerplexity => Find(ZeroShotMetricNames.BytePerplexity).Value;

    /// <summary>For whole texts: the negative log-likelihood in bits per byte of UTF-8.</summary>
    public double BitsPerByte => Find(ZeroShotMetricNames.BitsPerByte).Value;

    /// <summary>The harness's version of the task; empty for other tasks and for groups.</summary>
    internal string Version { get; init; } = "";

    /// <summary>The metrics that are usually reported for the task, in the task's order.</summary>
    internal IEnumerable<ZeroShotMetric> Customary => _customary.SelectMany(name => Values.Where(value => value.Name == name));

    /// <summary>
    /// Averages several tasks, weighted by their numbers of items. The standard error is pooled as the harness does for MMLU:
    /// √(Σ (nᵢ-1) nᵢ eᵢ² / (Σ nᵢ - k)) / √(Σ nᵢ) for k tasks.
    /// </summary>
    /// <param name="name">The group's name, such as <c>mmlu</c>.</param>
    /// <param name="parts">The tasks' metrics, at least one.</param>
    /// <exception cref="ArgumentException">There are no tasks, or they are of different kinds.</exception>
    public static ZeroShotMetrics Combine(string name, IEnumerable<ZeroShotMetrics> parts)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentNullException.ThrowIfNull(parts);
        ZeroShotMetrics[] all = [.. parts];
        if (all.Length == 0) throw new ArgumentException("There must be at least one task to combine.", nameof(parts));
        if (all.Select(part => part.Kind).Distinct().Count() > 1)
            throw new ArgumentException(
                $"Tasks of different kinds have no common metrics: {string.Join(", ", all.Select(part => part.Task))}.", nameof(parts));
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

    /// <summary>
    /// Returns a Markdown table with the columns of lm-evaluation-harness and the metrics usually reported for each task.
    /// </summary>
    /// <param name="metrics">The tasks, in the table's order.</param>
    public static string ToTable(IEnumerable<ZeroShotMetrics> metrics)
    {
        ArgumentNullException.ThrowIfNull(metrics);
        return ZeroShotTable.Of(metrics);
    }

    /// <summary>Returns the table of this task.</summary>
    public override string ToString() => ToTable([this]);

    /// <summary>
    /// Returns one line of JSON: <c>task</c>, <c>n</c>, <c>num_fewshot</c>, the metrics with their standard errors, such as <c>acc</c> and
    /// <c>acc_stderr</c>, and <c>seconds</c>. NaN and infinity become null.
    /// </summary>
    public string ToJson()
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartObject();
            json.WriteString("task", Task);
            json.WriteNumber("n", ItemCount);
            json.WriteNumber("num_fewshot", ShotCount);
            foreach (string name in JsonNames())
            {
                ZeroShotMetric metric = Find(name);
                Write(json, name, metric.Value);
                if (Kind != ZeroShotKind.RollingLogLikelihood) Write(json, name + "_stderr", metric.StandardError);
            }
            Write(json, "seconds", Math.Round(Duration.TotalSeconds, 3));
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length);
    }

    /// <summary>All tasks with choices have the same fields, whether or not the metrics are usually reported for the task.</summary>
    private IEnumerable<string> JsonNames() => Kind is ZeroShotKind.MultipleChoice or ZeroShotKind.MultipleInput
        ? [ZeroShotMetricNames.Accuracy, ZeroShotMetricNames.NormalizedAccuracy]
        : Values.Select(value => value.Name);

    private static void Write(Utf8JsonWriter json, string name, double value)
    {
        if (double.IsFinite(value)) json.WriteNumber(name, value);
        else json.WriteNull(name);
    }

    private ZeroShotMetric Find(string name)
    {
        foreach (ZeroShotMetric value in Values)
            if (value.Name == name) return value;
        return new(name, double.NaN, double.NaN);
    }
}

/// <summary>A metric and its standard error.</summary>
/// <param name="Name">The name in lm-evaluation-harness, such as <c>acc_norm</c>.</param>
/// <param name="Value">The value.</param>
/// <param name="StandardError">The standard error; NaN if it is undefined, as for a single item.</param>
public readonly record struct ZeroShotMetric(string Name, double Value, double StandardError)
{
    /// <summary>Whether larger is better: true for accuracies, false for perplexities and bits.</summary>
    public bool HigherIsBetter => Name.StartsWith("acc", StringComparison.Ordinal);
}
