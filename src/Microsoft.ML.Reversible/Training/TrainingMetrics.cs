namespace Microsoft.ML.Reversible;

/// <summary>What a training run did.</summary>
public sealed class TrainingMetrics
{
    internal TrainingMetrics(IReadOnlyList<TrainingProgress> history, double? validationLoss, long validationTokens, TimeSpan elapsed)
    {
        History = history;
        ValidationLoss = validationLoss;
        ValidationTokens = validationTokens;
        Elapsed = elapsed;
    }

    /// <summary>The reports that were made during the run, in order: the loss curve.</summary>
    public IReadOnlyList<TrainingProgress> History { get; }

    /// <summary>Mean loss of the last reported step's tokens, nats.</summary>
    public double TrainingLoss => History[^1].Loss;

    /// <summary>Mean loss over the whole held-out part at the end, nats; null where nothing was held out.</summary>
    public double? ValidationLoss { get; }

    /// <summary>e to the power of <see cref="ValidationLoss"/>; null where nothing was held out.</summary>
    public double? ValidationPerplexity => ValidationLoss is { } loss ? Math.Exp(loss) : null;

    /// <summary>Number of held-out tokens that <see cref="ValidationLoss"/> is the mean over.</summary>
    public long ValidationTokens { get; }

    /// <summary>Tokens trained on.</summary>
    public long Tokens => History[^1].Tokens;

    /// <summary>Wall time of the training steps, evaluation not counted.</summary>
    public TimeSpan Elapsed { get; }

    /// <summary>Tokens trained on a second, evaluation not counted.</summary>
    public double TokensPerSecond => Tokens / Elapsed.TotalSeconds;

    /// <summary>The most memory that the process has held in RAM up to the end of the run, bytes; device memory is not in it.</summary>
    public long PeakWorkingSet { get; } = PeakOfThisProcess();

    private static long PeakOfThisProcess()
    {
        using var process = System.Diagnostics.Process.GetCurrentProcess();
        return process.PeakWorkingSet64;
    }
}
