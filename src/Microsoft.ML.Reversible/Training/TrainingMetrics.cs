using Microsoft.ML.Reversible.Training;

namespace Microsoft.ML.Reversible;

/// <summary>The metrics of a training run, including the parts before it was resumed.</summary>
public class TrainingMetrics
{
    internal TrainingMetrics(
        IReadOnlyList<TrainingProgress> history, long validationUnits, TimeSpan elapsed, long? peakDeviceMemory)
    {
        PeakDeviceMemory = peakDeviceMemory;
        History = history;
        ValidationUnitCount = validationUnits;
        Elapsed = elapsed;
        PeakHostMemory = HostMemory.Peak;
    }

    private protected TrainingMetrics(TrainingMetrics other)
    {
        PeakDeviceMemory = other.PeakDeviceMemory;
        History = other.History;
        ValidationUnitCount = other.ValidationUnitCount;
        Elapsed = other.Elapsed;
        PeakHostMemory = other.PeakHostMemory;
        ModelStep = other.ModelStep;
        ResumedFrom = other.ResumedFrom;
        MaxSteps = other.MaxSteps;
    }

    /// <summary>The reports of the run, in order: the loss curve.</summary>
    public IReadOnlyList<TrainingProgress> History { get; }

    /// <summary>Mean loss of the last reported step, nats.</summary>
    public double TrainingLoss => History[^1].Loss;

    /// <summary>Mean loss over the whole held-out part at the end, nats; null if nothing was held out.</summary>
    public double? ValidationLoss => History[^1].ValidationLoss;

    /// <summary>Number of held-out units (tokens in a language model) that <see cref="ValidationLoss"/> is the mean over.</summary>
    public long ValidationUnitCount { get; }

    /// <summary>Units trained on: tokens in a language model.</summary>
    public long UnitCount => History[^1].UnitCount;

    /// <summary>Whether the run ended before its last step because its evaluations stopped improving.</summary>
    public bool StoppedEarly => History[^1].Step < MaxSteps;

    /// <summary>Steps skipped because their gradients were not finite or far too large.</summary>
    public long SkippedSteps => History[^1].SkippedSteps;

    /// <summary>
    /// The step whose weights the model has: the last one, that of the best evaluation with <see cref="TrainingOptions.ReturnBest"/>, or 0
    /// if a retrofit has discarded its distillation.
    /// </summary>
    public int ModelStep { get; internal init; }

    /// <summary>The step of the checkpoint that the run was resumed from; null if it was not resumed.</summary>
    public int? ResumedFrom { get; internal init; }

    /// <summary>The number of steps that the run was to take.</summary>
    internal int MaxSteps { get; init; }

    /// <summary>Wall time of the training steps, without evaluations and checkpoints.</summary>
    public TimeSpan Elapsed { get; }

    /// <summary>Units trained on per second, without the time of evaluations and checkpoints.</summary>
    public double UnitsPerSecond => UnitCount / Elapsed.TotalSeconds;

    /// <summary>The most memory that the process has held in RAM until the end of the run, in bytes, without device memory.</summary>
    public long PeakHostMemory { get; }

    /// <summary>
    /// The most memory that the process held on its GPU at any report since the run began or was resumed, in bytes. It includes the
    /// driver's context and libtorch's cached memory. Null on the CPU, or if the driver does not report it.
    /// </summary>
    public long? PeakDeviceMemory { get; }
}
