namespace Microsoft.ML.Reversible.Evaluation;

/// <summary>The names that lm-evaluation-harness gives metrics, and which are customary.</summary>
internal static class ZeroShotMetricNames
{
    public const string Accuracy = "acc";
    public const string NormalizedAccuracy = "acc_norm";
    public const string BytesAccuracy = "acc_bytes";
    public const string Perplexity = "perplexity";
    public const string WordPerplexity = "word_perplexity";
    public const string BytePerplexity = "byte_perplexity";
    public const string BitsPerByte = "bits_per_byte";

    /// <summary>The metrics of a task that says nothing else.</summary>
    public static IReadOnlyList<string> Of(ZeroShotKind kind) => kind switch
    {
        ZeroShotKind.MultipleChoice => [Accuracy, NormalizedAccuracy],
        ZeroShotKind.MultipleInput => [Accuracy],
        ZeroShotKind.LastWord => [Perplexity, Accuracy],
        _ => [WordPerplexity, BytePerplexity, BitsPerByte],
    };
}
