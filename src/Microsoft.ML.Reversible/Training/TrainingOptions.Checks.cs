using System.Globalization;
using Microsoft.ML.Reversible.Training;
using static Microsoft.ML.Reversible.Training.OptionChecks;

namespace Microsoft.ML.Reversible;

public abstract partial class TrainingOptions
{
    /// <summary>Checks the ranges, and then that no option is set that has no effect.</summary>
    /// <param name="asksForGpu">Whether the run is to compute on a GPU.</param>
    /// <exception cref="ArgumentException">An option is missing, conflicts with another, or has no effect given another.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    internal void Check(bool asksForGpu)
    {
        CheckRanges();
        UnusedOption.RefuseChanged(this, (TrainingOptions)Activator.CreateInstance(GetType())!, Unused(asksForGpu));
    }

    /// <summary>Checks each option's range, and that no options conflict. A derived class adds its own checks.</summary>
    internal virtual void CheckRanges()
    {
        CheckLayers();
        CheckOptimization();
        CheckRun();
    }

    /// <summary>Lists the options that have no effect given the others. A derived class adds its own.</summary>
    /// <param name="asksForGpu">Whether the run is to compute on a GPU.</param>
    internal virtual IEnumerable<UnusedOption> Unused(bool asksForGpu) =>
        [.. UnusedOfLayers(asksForGpu), .. UnusedOfOptimization(), .. UnusedOfEvaluation(), .. UnusedOfCheckpoints()];

    /// <summary>Returns KeptLayerCount as an unused option, for a model whose backward mode is not the reversible one.</summary>
    /// <param name="backwardMode">The model's backward mode.</param>
    /// <param name="isReversible">Whether its scheme is reversible.</param>
    internal static UnusedOption UnusedKeptLayers(BackwardMode backwardMode, bool isReversible)
    {
        string which = backwardMode == Reversible.BackwardMode.Stored ? "all layers" : "no layer";
        return new(nameof(KeptLayerCount), $"if BackwardMode is {backwardMode}, which keeps the activations of {which}",
            isReversible ? "set BackwardMode to Reversible" : "set Scheme to a reversible one");
    }

    /// <summary>Deterministic as an unused option: a run on the CPU repeats to the bit anyway.</summary>
    internal static UnusedOption DeterministicOnCpu { get; } =
        new(nameof(Deterministic), "on the CPU, where every run gives the same bits anyway", "set Device to a GPU");

    private void CheckLayers()
    {
        Defined(Precision, nameof(Precision));
        if (BackwardMode is { } backwardMode) Defined(backwardMode, nameof(BackwardMode));
        if (Arithmetic is { } arithmetic) Defined(arithmetic, nameof(Arithmetic));
        AtLeast(0, KeptLayerCount, nameof(KeptLayerCount));
    }

    private void CheckOptimization()
    {
        Require(ValidationFraction is >= 0 and < 1, nameof(ValidationFraction), ValidationFraction, "within [0, 1)");
        AtLeast(1, BatchSize, nameof(BatchSize));
        AtLeast(1, GradientAccumulationSteps, nameof(GradientAccumulationSteps));
        if (MaxSteps is { } maxSteps) AtLeast(1, maxSteps, nameof(MaxSteps));
        if (MaxEpochs is { } epochs) Positive(epochs, nameof(MaxEpochs));
        Positive(EffectiveLearningRate, nameof(LearningRate));
        Defined(Schedule, nameof(Schedule));
        if (Schedule != LearningRateScheduleKind.Constant && FinalLearningRate is { } final)
            Require(final >= 0 && final <= EffectiveLearningRate, nameof(FinalLearningRate), final,
                string.Create(CultureInfo.InvariantCulture, $"within [0, LearningRate], which is {EffectiveLearningRate}"));
        CheckSteps("MaxSteps");
        NotNegative(WeightDecay, nameof(WeightDecay));
        Require(Beta1 is >= 0 and < 1, nameof(Beta1), Beta1, "within [0, 1)");
        Require(Beta2 is >= 0 and < 1, nameof(Beta2), Beta2, "within [0, 1)");
        Positive(Epsilon, nameof(Epsilon));
        NotNegative(MaxGradNorm, nameof(MaxGradNorm));
        Defined(OptimizerPlacement, nameof(OptimizerPlacement));
        Require(OutlierFactor == 0 || (OutlierFactor > 1 && double.IsFinite(OutlierFactor)), nameof(OutlierFactor), OutlierFactor,
            "above 1 and finite, or 0 (which skips none for its size)");
        AtLeast(1, MaxSkippedSteps, nameof(MaxSkippedSteps));
        var conflict = ParameterUpdate.Conflict(
            OptimizerPlacement, MaxGradNorm, EffectiveClipWithPreviousNorm, GradientAccumulationSteps, OutlierFactor);
        if (conflict is var (message, option)) throw new ArgumentException(message, option);
    }

    /// <summary>Checks that warm-up and decay fit into the steps, as far as the options alone decide their number.</summary>
    /// <param name="limit">The option that limits them, for messages.</param>
    private void CheckSteps(string limit)
    {
        int warmup = WarmupSteps ?? 0, decay = DecaySteps ?? 1;
        if (EffectiveMaxSteps is { } steps)
        {
            Require(warmup >= 0 && warmup <= steps, nameof(WarmupSteps), warmup, $"within [0, {limit}], which is {steps}");
            Require(DecaySteps is null || (decay >= 1 && decay <= steps - warmup), nameof(DecaySteps), decay,
                $"at least 1 and at most {limit} less WarmupSteps, which is {steps - warmup}");
        }
        else
        {
            AtLeast(0, warmup, nameof(WarmupSteps));
            AtLeast(1, decay, nameof(DecaySteps));
        }
    }

    private void CheckRun()
    {
        AtLeast(1, EvaluationInterval, nameof(EvaluationInterval));
        AtLeast(1, EvaluationBatches, nameof(EvaluationBatches));
        AtLeast(1, ReportInterval, nameof(ReportInterval));
        AtLeast(1, CheckpointInterval, nameof(CheckpointInterval));
        AtLeast(1, CheckpointsKept, nameof(CheckpointsKept));
        AtLeast(0, EarlyStoppingPatience, nameof(EarlyStoppingPatience));
        Defined(Resume, nameof(Resume));
        Defined(DamagedCheckpoint, nameof(DamagedCheckpoint));
        NotBlank(MetricsPath, nameof(MetricsPath));
        NotBlank(TensorBoardFolder, nameof(TensorBoardFolder));
        NotBlank(CheckpointFolder, nameof(CheckpointFolder));
    }

    private IEnumerable<UnusedOption> UnusedOfLayers(bool asksForGpu)
    {
        // If a folder's scheme decides the backward mode, it is known only after the folder has been loaded.
        if (EffectiveBackwardMode is { } backwardMode && backwardMode != Reversible.BackwardMode.Reversible)
            yield return UnusedKeptLayers(backwardMode, NamedScheme?.IsReversible ?? true);
        if (!asksForGpu) yield return DeterministicOnCpu;
    }

    private IEnumerable<UnusedOption> UnusedOfOptimization()
    {
        if (Schedule == LearningRateScheduleKind.Constant)
            yield return new(nameof(FinalLearningRate), "if Schedule is Constant", "set Schedule to Cosine or Linear");
        if (Schedule != LearningRateScheduleKind.WarmupStableDecay)
            yield return new(nameof(DecaySteps), $"if Schedule is {Schedule}", "set Schedule to WarmupStableDecay");
        if (OptimizerPlacement == OptimizerPlacement.AfterBackward)
            yield return new(nameof(ClipWithPreviousNorm),
                "if OptimizerPlacement is AfterBackward: the step's own norm is known when it is clipped",
                "set OptimizerPlacement to InsideBackward");
        else if (MaxGradNorm == 0)
            yield return new(nameof(ClipWithPreviousNorm), "if MaxGradNorm is 0, which does not clip", "set MaxGradNorm above 0");
    }

    private IEnumerable<UnusedOption> UnusedOfEvaluation()
    {
        if (ValidationFraction != 0) yield break;
        string[] options = [nameof(EvaluationInterval), nameof(EvaluationBatches), nameof(EarlyStoppingPatience), nameof(ReturnBest)];
        foreach (string option in options)
            yield return new(option, "if ValidationFraction is 0, so that nothing is evaluated", "set ValidationFraction above 0");
    }

    private IEnumerable<UnusedOption> UnusedOfCheckpoints()
    {
        if (CheckpointFolder is null)
        {
            string[] options =
                [nameof(CheckpointInterval), nameof(CheckpointsKept), nameof(Resume), nameof(DamagedCheckpoint), nameof(ReturnBest)];
            foreach (string option in options) yield return new(option, "without a CheckpointFolder", "set CheckpointFolder");
        }
        else if (Resume == ResumeMode.Never)
            yield return new(nameof(DamagedCheckpoint), "if Resume is Never, so that no checkpoint is read",
                "set Resume to IfPresent or Required");
    }
}
