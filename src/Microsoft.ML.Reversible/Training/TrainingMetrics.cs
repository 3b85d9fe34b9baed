using Microsoft.ML.Reversible.Training;

namespace Microsoft.ML.Reversible;

/// <summary>What a training run did, the parts before it was resumed included.</summary>
public sealed class TrainingMetrics
{
    internal TrainingMetrics(
        IReadOnlyList<TrainingProgress> history, long validationTokens, TimeSpan elapsed, long? peakDeviceMemory)
    {
        PeakDeviceMemory = peakDeviceMemory;
        History = history;
        ValidationTokens = validationTokens;
        Elapsed = elapsed;
    }

    /// <summary>The reports that were made during the run, in order: the loss curve.</summary>
    public IReadOnlyList<TrainingProgress> History { get; }

    /// <summary>Mean loss of the last reported step's tokens, nats.</summary>
    public double TrainingLoss => History[^1].Loss;

    /// <summary>Mean loss over the whole held-out part at the end, nats; null where nothing was held out.</summary>
    public double? ValidationLoss => History[^1].ValidationLoss;

    /// <summary>e to the power of <see cref="ValidationLoss"/>; null where nothing was held out.</summary>
    public double? ValidationPerplexity => History[^1].ValidationPerplexity;

    /// <summary>Bits for a byte of the held-out text at the end; null where nothing was held out or its bytes are not known.</summary>
    public double? ValidationBitsPerByte => History[^1].ValidationBitsPerByte;

    /// <summary>Number of held-out tokens that <see cref="ValidationLoss"/> is the mean over.</summary>
    public long ValidationTokens { get; }

    /// <summary>Tokens trained on.</summary>
    public long Tokens => History[^1].Tokens;

    /// <summary>
    /// Whether the run ended before <see cref="ReversibleLmTrainer.Options.MaxSteps"/> because its evaluations got no better.
    /// </summary>
    public bool StoppedEarly => History[^1].Step < History[^1].MaxSteps;

    /// <summary>Steps skipped because their gradients were not finite or far too large.</summary>
    public long SkippedSteps => History[^1].SkippedSteps;

    /// <summary>The step whose weights the model has: the last, or that of the best evaluation where that was asked for.</summary>
    public int ModelStep { get; internal init; }

    /// <summary>The step of the checkpoint that the run went on from; null where it went through in one piece.</summary>
    public int? ResumedFrom { get; internal init; }

    /// <summary>Wall time of the training steps, evaluation and checkpoints not counted.</summary>
    public TimeSpan Elapsed { get; }

    /// <summary>Tokens trained on a second, evaluation and checkpoints not counted.</summary>
    public double TokensPerSecond => Tokens / Elapsed.TotalSeconds;

    /// <summary>The most memory that the process has held in RAM up to the end of the run, bytes; device memory is not in it.</summary>
    public long PeakHostMemory { get; } = HostMemory.Peak;

    /// <summary>
    /// The most memory that the process held on its GPU at a report since the run began or was resumed, bytes, with the driver's context
    /// and what libtorch's allocator keeps; null on the CPU, or where the driver does not say.
    /// </summary>
    public long? PeakDeviceMemory { get; }
}
