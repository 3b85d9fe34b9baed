using System.Text;
using Microsoft.ML.Reversible.Language;

namespace Microsoft.ML.Reversible.Evaluation;

/// <summary>Accumulates the scores of a task's items and computes its metrics.</summary>
internal sealed class ZeroShotCounts(ZeroShotTask task)
{
    private readonly RunningMean _accuracy = new();
    private readonly RunningMean _normalizedAccuracy = new();
    private readonly RunningMean _bytesAccuracy = new();
    private readonly RunningMean _logLikelihood = new();
    private readonly List<double> _lastWords = [];
    private long _words;
    private long _bytes;

    /// <summary>The number of items.</summary>
    public long ItemCount => _logLikelihood.Count;

    public void Add(ZeroShotScore score)
    {
        _logLikelihood.Add(score.LogLikelihoods[0]);
        switch (task.Kind)
        {
            case ZeroShotKind.LastWord:
                _accuracy.Add(score.Scores[0].IsGreedy);
                _lastWords.Add(score.LogLikelihoods[0]);
                break;
            case ZeroShotKind.RollingLogLikelihood:
                string counted = score.Item.CountedText ?? score.Item.Continuations[0];
                _words += WordCount(counted);
                _bytes += Encoding.UTF8.GetByteCount(counted);
                break;
            default:
                _accuracy.Add(score.Prediction == score.Item.Gold);
                _normalizedAccuracy.Add(score.NormalizedPrediction == score.Item.Gold);
                _bytesAccuracy.Add(score.BytesPrediction == score.Item.Gold);
                break;
        }
    }

    public ZeroShotMetrics ToMetrics(TimeSpan duration, CancellationToken cancellationToken) =>
        new(task.Name, task.Kind, [.. Values(cancellationToken)], task.Metrics)
        {
            ItemCount = ItemCount,
            ShotCount = task.ShotCount,
            Duration = duration,
            Version = task.Benchmark?.Version ?? "",
        };

    private IEnumerable<ZeroShotMetric> Values(CancellationToken cancellationToken)
    {
        switch (task.Kind)
        {
            case ZeroShotKind.MultipleChoice:
                yield return Of(ZeroShotMetricNames.Accuracy, _accuracy);
                yield return Of(ZeroShotMetricNames.NormalizedAccuracy, _normalizedAccuracy);
                yield return Of(ZeroShotMetricNames.BytesAccuracy, _bytesAccuracy);
                break;
            case ZeroShotKind.MultipleInput:
                yield return Of(ZeroShotMetricNames.Accuracy, _accuracy);
                break;
            case ZeroShotKind.LastWord:
                yield return new(
                    ZeroShotMetricNames.Perplexity, Math.Exp(-_logLikelihood.Value),
                    PerplexityBootstrap.StandardError([.. _lastWords], cancellationToken));
                yield return Of(ZeroShotMetricNames.Accuracy, _accuracy);
                break;
            default:
                double sum = _logLikelihood.Value * ItemCount;
                yield return new(ZeroShotMetricNames.WordPerplexity, Math.Exp(-sum / _words), double.NaN);
                yield return new(ZeroShotMetricNames.BytePerplexity, Math.Exp(-sum / _bytes), double.NaN);
                yield return new(ZeroShotMetricNames.BitsPerByte, -sum / _bytes / Math.Log(2), double.NaN);
                break;
        }
    }

    private static ZeroShotMetric Of(string name, RunningMean mean) => new(name, mean.Value, mean.StandardError);

    /// <summary>Counts words as the harness does with <c>re.split(r"\s+", text)</c>: one more than there are runs of white space.</summary>
    internal static int WordCount(string text)
    {
        int words = 1;
        for (int i = 0; i < text.Length; i++)
            if (PythonText.IsSpace(text[i]) && (i == 0 || !PythonText.IsSpace(text[i - 1]))) words++;
        return words;
    }
}

/// <summary>A mean, and its standard error by Welford's algorithm.</summary>
internal sealed class RunningMean
{
    private double _sum;
    private double _mean;
    private double _squares;

    public long Count { get; private set; }

    /// <summary>
    /// The mean; NaN without numbers. It is computed as sum / count, so that an accuracy is exact; Welford's mean is not.
    /// </summary>
    public double Value => Count == 0 ? double.NaN : _sum / Count;

    /// <summary>The sample standard deviation, with n-1, divided by √n; NaN for fewer than two numbers.</summary>
    public double StandardError => Count < 2 ? double.NaN : Math.Sqrt(_squares / (Count - 1) / Count);

    public void Add(double value)
    {
        Count++;
        _sum += value;
        double before = _mean;
        _mean += (value - before) / Count;
        _squares += (value - before) * (value - _mean);
    }

    public void Add(bool value) => Add(value ? 1 : 0);
}

/// <summary>
/// The bootstrap standard error of a perplexity with the draws of lm-evaluation-harness: the sample standard deviation over 100,000
/// resamples of the items, drawn in blocks of a thousand with one seed each.
/// </summary>
internal static class PerplexityBootstrap
{
    private const int Seeds = 100;
    private const int ResamplesPerSeed = 1000;

    /// <summary>Returns the standard error of exp(-mean); NaN for fewer than two items.</summary>
    /// <param name="logLikelihoods">The items' log-likelihoods, nats.</param>
    /// <param name="cancellationToken">Cancels it. With 5,000 items it takes some seconds of one core.</param>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static double StandardError(double[] logLikelihoods, CancellationToken cancellationToken = default)
    {
        if (logLikelihoods.Length < 2) return double.NaN;
        var perplexities = new double[Seeds * ResamplesPerSeed];
        Parallel.For(0, Seeds, new ParallelOptions { CancellationToken = cancellationToken }, seed =>
        {
            var random = new PythonRandom(seed);
            foreach (ref double perplexity in perplexities.AsSpan(seed * ResamplesPerSeed, ResamplesPerSeed))
                perplexity = Math.Exp(-random.MeanOfChoices(logLikelihoods));
        });
        double mean = perplexities.Sum() / perplexities.Length;
        return Math.Sqrt(perplexities.Sum(x => (x - mean) * (x - mean)) / (perplexities.Length - 1));
    }
}

/// <summary>The names of metrics in lm-evaluation-harness, and the metrics that are usually reported.</summary>
internal static class ZeroShotMetricNames
{
    public const string Accuracy = "acc";
    public const string NormalizedAccuracy = "acc_norm";
    public const string BytesAccuracy = "acc_bytes";
    public const string Perplexity = "perplexity";
    public const string WordPerplexity = "word_perplexity";
    public const string BytePerplexity = "byte_perplexity";
    public const string BitsPerByte = "bits_per_byte";

    /// <summary>Returns the metrics of a task that names no others.</summary>
    public static IReadOnlyList<string> Of(ZeroShotKind kind) => kind switch
    {
        ZeroShotKind.MultipleChoice => [Accuracy, NormalizedAccuracy],
        ZeroShotKind.MultipleInput => [Accuracy],
        ZeroShotKind.LastWord => [Perplexity, Accuracy],
        _ => [WordPerplexity, BytePerplexity, BitsPerByte],
    };
}
