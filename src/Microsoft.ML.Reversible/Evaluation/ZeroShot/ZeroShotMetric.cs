namespace Microsoft.ML.Reversible;

/// <summary>A number by which models are compared.</summary>
/// <param name="Name">What lm-evaluation-harness calls it, such as <c>acc_norm</c>.</param>
/// <param name="Value">The number.</param>
/// <param name="StandardError">Its standard error; NaN where there is none, as of a single item.</param>
public readonly record struct ZeroShotMetric(string Name, double Value, double StandardError)
{
    /// <summary>Whether more is better; of perplexities and bits less is.</summary>
    public bool HigherIsBetter => Name.StartsWith("acc", StringComparison.Ordinal);
}
