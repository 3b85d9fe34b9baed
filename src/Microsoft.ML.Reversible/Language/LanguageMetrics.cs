namespace Microsoft.ML.Reversible;

/// <summary>What the training of a language model did, the parts before it was resumed included.</summary>
public sealed class LanguageMetrics : TrainingMetrics
{
    internal const string BitsPerByte = "bits_per_byte";
    internal const string Perplexity = "perplexity";

    internal LanguageMetrics(TrainingMetrics run) : base(run)
    {
    }

    /// <summary>Tokens trained on; padding does not count.</summary>
    public long Tokens => UnitCount;

    /// <summary>Tokens trained on a second, evaluation and checkpoints not counted.</summary>
    public double TokensPerSecond => UnitsPerSecond;

    /// <summary>Number of held-out tokens that <see cref="TrainingMetrics.ValidationLoss"/> is the mean over.</summary>
    public long ValidationTokens => ValidationUnitCount;

    /// <summary>e to the power of <see cref="TrainingMetrics.ValidationLoss"/>; null where nothing was held out.</summary>
    public double? ValidationPerplexity => Figure(Perplexity);

    /// <summary>Bits for a byte of the held-out text at the end; null where nothing was held out or its bytes are not known.</summary>
    public double? ValidationBitsPerByte => Figure(BitsPerByte);

    private double? Figure(string name) => History[^1].ValidationFigures.TryGetValue(name, out double value) ? value : null;
}
