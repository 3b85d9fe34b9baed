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

    public override string ToString() => FormattableString.Invariant($"{Mean:F4} ± {StandardError:F4}");
}
