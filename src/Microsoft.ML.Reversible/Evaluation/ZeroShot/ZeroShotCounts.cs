using System.Text;

namespace Microsoft.ML.Reversible.Evaluation;

/// <summary>Adds up the scores of a task's items.</summary>
internal sealed class ZeroShotCounts(ZeroShotTask task)
{
    private readonly RunningMean _accuracy = new();
    private readonly RunningMean _normalizedAccuracy = new();
    private readonly RunningMean _bytesAccuracy = new();
    private readonly RunningMean _logLikelihood = new();
    private readonly List<double> _lastWords = [];
    private long _words;
    private long _bytes;

    /// <summary>Number of items.</summary>
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
            Version = !task.IsBuiltIn ? "" : task.Kind == ZeroShotKind.RollingLogLikelihood ? "2" : "1",
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

    /// <summary>What Python's re.split at white space gives: one more than there are stretches of it.</summary>
    internal static int WordCount(string text)
    {
        int words = 1;
        for (int i = 0; i < text.Length; i++)
            if (PythonText.IsSpace(text[i]) && (i == 0 || !PythonText.IsSpace(text[i - 1]))) words++;
        return words;
    }
}
