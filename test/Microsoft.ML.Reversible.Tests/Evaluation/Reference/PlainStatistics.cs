namespace Microsoft.ML.Reversible.Tests.Evaluation.Reference;

/// <summary>A mean over items and its standard error, that of a sample.</summary>
internal readonly record struct PlainStatistics(double Mean, double StandardError)
{
    public static PlainStatistics Of(IReadOnlyCollection<bool> right) => Of([.. right.Select(r => r ? 1.0 : 0.0)]);

    public static PlainStatistics Of(double[] values)
    {
        double mean = values.Sum() / values.Length;
        double squares = values.Sum(v => (v - mean) * (v - mean));
        return new(mean, Math.Sqrt(squares / (values.Length - 1)) / Math.Sqrt(values.Length));
    }

    /// <summary>The mean over the items of several tasks, and its error from the variances that the tasks have within themselves.</summary>
    public static PlainStatistics Pooled(params (int Count, PlainStatistics Task)[] parts)
    {
        double items = parts.Sum(part => part.Count);
        double squares = parts.Sum(part => (part.Count - 1) * Math.Pow(part.Task.StandardError, 2) * part.Count);
        return new(parts.Sum(part => part.Count * part.Task.Mean) / items, Math.Sqrt(squares / (items - parts.Length) / items));
    }

    public override string ToString() => FormattableString.Invariant($"{Mean:F4} ± {StandardError:F4}");
}
