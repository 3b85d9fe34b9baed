namespace Microsoft.ML.Reversible;

/// <summary>The metrics of a language model's training run, including the parts before it was resumed.</summary>
public sealed class LanguageMetrics : TrainingMetrics
{
    internal const string BitsPerByte = "bits_per_byte";
    internal const string Perplexity = "perplexity";

    internal LanguageMetrics(TrainingMetrics run) : base(run)
    {
    }

    /// <summary>The number of tokens trained on, without padding; in an alignment with preferences, of pairs of answers.</summary>
    public long Tokens => UnitCount;

    /// <summary>Tokens, or pairs of answers, trained on per second, without the time of evaluations and checkpoints.</summary>
    public double TokensPerSecond => UnitsPerSecond;

    /// <summary>
    /// The number of held-out tokens, or pairs of answers, that <see cref="TrainingMetrics.ValidationLoss"/> is the mean over.
    /// </summary>
    public long ValidationTokens => ValidationUnitCount;

    /// <summary>
    /// e to the power of <see cref="TrainingMetrics.ValidationLoss"/>; null if nothing was held out, and after an alignment with
    /// preferences, whose loss is not that of tokens.
    /// </summary>
    public double? ValidationPerplexity => Figure(Perplexity);

    /// <summary>Bits per byte of the held-out text at the end; null if nothing was held out or its bytes are not known.</summary>
    public double? ValidationBitsPerByte => Figure(BitsPerByte);

    private double? Figure(string name) => History[^1].ValidationFigures.TryGetValue(name, out double value) ? value : null;
}
