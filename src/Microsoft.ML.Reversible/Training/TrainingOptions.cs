using System.Globalization;
using Microsoft.ML.Reversible.Training;

namespace Microsoft.ML.Reversible;

/// <summary>
/// The options that all trainers share: how the layers are computed, batches, AdamW, the learning rate, evaluations, reports and
/// checkpoints.
/// </summary>
// Each option is declared once, as a property of the class that it belongs to. It is part of a run's fingerprint unless it is marked
// NotInFingerprint.
public abstract partial class TrainingOptions
{
    internal TrainingOptions()
    {
    }

    /// <summary>
    /// <c>cpu</c>, <c>cuda</c> or <c>cuda:1</c>; null takes the MLContext's <see cref="MLContext.GpuDeviceId"/>, or the CPU if that is not
    /// set. If the GPU is missing, <see cref="MLContext.FallbackToCpu"/> decides between the CPU and an exception.
    /// </summary>
    [NotInFingerprint("the device may change when a run is resumed")]
    public string? Device { get; set; }

    /// <summary>The number type in which the blocks compute; parameters and optimizer state are float32 in either case.</summary>
    public Precision Precision { get; set; } = Precision.Float32;

    /// <summary>
    /// How the backward pass gets the layers' activations; null takes <see cref="BackwardMode.Reversible"/> for a reversible scheme and
    /// <see cref="BackwardMode.Stored"/> for others.
    /// </summary>
    [NotInFingerprint("it decides memory and time")]
    public BackwardMode? BackwardMode { get; set; }

    /// <summary>
    /// The maximum number of layers, counted from the last, that keep their activations in <see cref="BackwardMode.Reversible"/>, at least
    /// 0; refused in other modes. Each such layer saves the second evaluation of its block and costs the memory of its activations. Use it
    /// to train faster with memory that is left free.
    /// </summary>
    [NotInFingerprint("it decides memory and time")]
    public int KeptLayerCount { get; set; }

    /// <summary>
    /// The arithmetic of the hidden states between the layers; null takes <see cref="Arithmetic.Exact"/> for BDIA, which is reversible only
    /// with it, and <see cref="Arithmetic.Float"/> for the others.
    /// </summary>
    [NotInFingerprint("the task's entry of this name has the model's, also if it comes from a folder")]
    public Arithmetic? Arithmetic { get; set; }

    /// <summary>
    /// Whether a run on CUDA gives the same bits every time. The fastest attention kernels there add up gradients in varying order. Their
    /// deterministic replacements take about twice as long and need head sizes that are multiples of 8. Refused on the CPU, where runs
    /// always repeat to the bit.
    /// </summary>
    public bool Deterministic { get; set; }

    /// <summary>
    /// The seed of the weights and of the order of the data: two runs on the CPU with the same seed agree to the bit. Null draws one from
    /// the MLContext, which is repeatable if the context has a seed.
    /// </summary>
    [NotInFingerprint("the fingerprint has the seed itself, also if it was drawn")]
    public int? Seed { get; set; }

    /// <summary>
    /// The fraction of the data, taken from its end, that is held out for validation; within [0, 1). 0 holds out nothing.
    /// </summary>
    public double ValidationFraction { get; set; } = 0.1;

    /// <summary>Examples in a micro-batch, at least 1; an example of a language model is a window of tokens.</summary>
    public int BatchSize { get; set; } = 16;

    /// <summary>
    /// Micro-batches whose gradients are added up before the optimizer steps, at least 1. The loss is the mean over all of them
    /// together.
    /// </summary>
    public int GradientAccumulationSteps { get; set; } = 1;

    /// <summary>
    /// The maximum number of optimizer steps, at least 1. Null is 1000, in a retrofit and in fine-tuning 500; if <see cref="MaxEpochs"/> is
    /// set, null sets no limit.
    /// </summary>
    public int? MaxSteps { get; set; }

    /// <summary>
    /// The maximum number of passes over the training data, positive and finite, also a fraction; rounded up to whole steps. Null sets no
    /// limit. If <see cref="MaxSteps"/> is set too, the run has the smaller number of steps of both. The learning rate follows the
    /// resulting number.
    /// </summary>
    public double? MaxEpochs { get; set; }

    /// <summary>
    /// The learning rate after the warm-up, positive and finite. Null is 1e-3, in a retrofit 3e-4, in fine-tuning 1e-5, and in an
    /// alignment with preferences 1e-6; where an adapter is trained, 2e-4 in fine-tuning and 5e-6 in an alignment.
    /// </summary>
    public double? LearningRate { get; set; }

    /// <summary>How the learning rate continues after the warm-up.</summary>
    public LearningRateScheduleKind Schedule { get; set; } = LearningRateScheduleKind.Cosine;

    /// <summary>
    /// The learning rate at the end of the schedule, after the last step; within [0, <see cref="LearningRate"/>]. Null is a tenth of
    /// <see cref="LearningRate"/>. Refused with <see cref="LearningRateScheduleKind.Constant"/>.
    /// </summary>
    public double? FinalLearningRate { get; set; }

    /// <summary>
    /// Steps over which the learning rate rises linearly from nearly 0, at least 0 and at most the number of steps. Null is a tenth of the
    /// steps, but at most 100, in a retrofit and in fine-tuning 50, and at most the steps that <see cref="DecaySteps"/> leaves.
    /// </summary>
    public int? WarmupSteps { get; set; }

    /// <summary>
    /// The number of last steps over which <see cref="LearningRateScheduleKind.WarmupStableDecay"/> lowers the learning rate; at least 1,
    /// and at most the number of steps after the warm-up. Null is a fifth of the steps. Refused with other schedules.
    /// </summary>
    public int? DecaySteps { get; set; }

    /// <summary>AdamW's decoupled weight decay, at least 0; matrices decay, biases and norms do not.</summary>
    public double WeightDecay { get; set; } = 0.1;

    /// <summary>AdamW's decay of the gradient's running mean, within [0, 1).</summary>
    public double Beta1 { get; set; } = 0.9;

    /// <summary>AdamW's decay of the squared gradient's running mean, within [0, 1).</summary>
    public double Beta2 { get; set; } = 0.99;

    /// <summary>The constant that AdamW adds to the denominator, positive and finite.</summary>
    public double Epsilon { get; set; } = 1e-8;

    /// <summary>The global norm that gradients are clipped to, at least 0; 0 means not to clip.</summary>
    public double MaxGradNorm { get; set; } = 1.0;

    /// <summary>
    /// When the optimizer updates the weights: after the backward pass, or layer by layer inside it, so that only one layer's gradients
    /// exist at a time.
    /// </summary>
    public OptimizerPlacement OptimizerPlacement { get; set; } = OptimizerPlacement.AfterBackward;

    /// <summary>
    /// Whether clipping uses the previous step's gradient norm. Null is true with <see cref="OptimizerPlacement.InsideBackward"/>, where
    /// the step's own norm is not known yet, unless <see cref="MaxGradNorm"/> is 0. If it is false, <see cref="MaxGradNorm"/> must then be
    /// 0. Refused with <see cref="OptimizerPlacement.AfterBackward"/>.
    /// </summary>
    public bool? ClipWithPreviousNorm { get; set; }

    /// <summary>
    /// A step is skipped if its gradient norm is more than this many times the running mean; above 1, or 0 for no limit. Steps whose
    /// gradients are not finite are always skipped.
    /// </summary>
    public double OutlierFactor { get; set; }

    /// <summary>The number of consecutive skipped steps after which the run fails, at least 1.</summary>
    [NotInFingerprint("it decides when a run fails, not what its steps do")]
    public int MaxSkippedSteps { get; set; } = 10;

    /// <summary>Whether every step uses the batches of the first step: a quick check that a set-up can learn at all.</summary>
    public bool OverfitOneBatch { get; set; }

    /// <summary>Steps between evaluations on the held-out part, at least 1; refused if nothing is held out.</summary>
    public int EvaluationInterval { get; set; } = 250;

    /// <summary>
    /// The maximum number of batches in an evaluation during the run, at least 1. The last evaluation always takes the whole held-out part.
    /// Refused if nothing is held out.
    /// </summary>
    public int EvaluationBatches { get; set; } = 20;

    /// <summary>
    /// Ends the run early after this many consecutive evaluations without a new lowest validation loss; at least 0, and 0 disables this. A
    /// retrofit uses the held-out divergence from the teacher instead of the loss, here and in <see cref="ReturnBest"/>.
    /// </summary>
    public int EarlyStoppingPatience { get; set; }

    /// <summary>
    /// Whether the result has the weights of the evaluation with the lowest loss instead of the last step's. Needs a
    /// <see cref="CheckpointFolder"/> and held-out data.
    /// </summary>
    [NotInFingerprint("it decides which weights are returned, not what the steps do")]
    public bool ReturnBest { get; set; }

    /// <summary>Steps between reports of progress, at least 1.</summary>
    [NotInFingerprint("reports may change when a run is resumed")]
    public int ReportInterval { get; set; } = 10;

    /// <summary>
    /// A file to which reports are added as lines of JSON: step, tokens (or the task's unit), loss, learning_rate, grad_norm,
    /// tokens_per_s, host_memory_gib, on a GPU device_memory_gib, and after an evaluation validation_loss and the task's figures, for a
    /// language model bits_per_byte and perplexity. Null writes none.
    /// </summary>
    [NotInFingerprint("reports may change when a run is resumed")]
    public string? MetricsPath { get; set; }

    /// <summary>
    /// A folder to which reports are added as event files of TensorBoard, with the step as x: train/loss, train/learning_rate,
    /// train/grad_norm, train/units_per_second, and after an evaluation validation/loss and the task's figures. A resumed run continues
    /// there; a new run replaces the event files of an earlier one. Null writes none.
    /// </summary>
    [NotInFingerprint("reports may change when a run is resumed")]
    public string? TensorBoardFolder { get; set; }

    /// <summary>
    /// The folder for checkpoints, from which a run resumes to the bit even if its process was killed. A language model's checkpoint is
    /// also a Hugging Face folder that <c>LoadPretrained</c> reads, and an adapter's is one of PEFT that <c>LoadAdapter</c> reads. Null
    /// writes none.
    /// </summary>
    [NotInFingerprint("it only says where the checkpoints are")]
    public string? CheckpointFolder { get; set; }

    /// <summary>
    /// Steps between checkpoints, at least 1. A checkpoint is also written at each new best evaluation, at the last step, and when the run
    /// is cancelled. Refused without a <see cref="CheckpointFolder"/>, as are the other checkpoint options.
    /// </summary>
    [NotInFingerprint("checkpoint settings may change when a run is resumed")]
    public int CheckpointInterval { get; set; } = 250;

    /// <summary>The number of latest checkpoints to keep, at least 1. The checkpoint of the best evaluation is kept in addition.</summary>
    [NotInFingerprint("checkpoint settings may change when a run is resumed")]
    public int CheckpointsKept { get; set; } = 2;

    /// <summary>What to do if the folder already has checkpoints.</summary>
    [NotInFingerprint("it decides whether there is an earlier part")]
    public ResumeMode Resume { get; set; } = ResumeMode.IfPresent;

    /// <summary>What to do if the last checkpoint is damaged.</summary>
    [NotInFingerprint("it decides which earlier part is resumed")]
    public DamagedCheckpoint DamagedCheckpoint { get; set; } = DamagedCheckpoint.Refuse;

    /// <summary>Receives progress reports, on the training thread.</summary>
    [NotInFingerprint("it only listens")]
    public IProgress<TrainingProgress>? Progress { get; set; }

    /// <summary>
    /// Ends the run with an <see cref="OperationCanceledException"/> before the next step. With a <see cref="CheckpointFolder"/>, a
    /// checkpoint is written first, from which the run resumes.
    /// </summary>
    [NotInFingerprint("it ends a part of a run")]
    public CancellationToken CancellationToken { get; set; }

    /// <summary>MaxSteps if it is neither set nor decided by MaxEpochs.</summary>
    internal virtual int DefaultMaxSteps => 1000;

    /// <summary>LearningRate if it is not set.</summary>
    internal virtual double DefaultLearningRate => 1e-3;

    internal double EffectiveLearningRate => LearningRate ?? DefaultLearningRate;

    /// <summary>The maximum number of steps; null if MaxEpochs alone decides it.</summary>
    internal int? EffectiveMaxSteps => MaxSteps ?? (MaxEpochs is null ? DefaultMaxSteps : null);

    /// <summary>The number of warm-up steps; null if it depends on MaxEpochs.</summary>
    internal int? EffectiveWarmupSteps => WarmupSteps ?? (KnownSteps is { } steps
        ? Math.Clamp(Math.Min(steps, DefaultMaxSteps) / 10, 0, Math.Max(0, steps - (DecaySteps ?? 0)))
        : null);

    /// <summary>The number of decay steps; null if it depends on MaxEpochs.</summary>
    internal int? EffectiveDecaySteps => DecaySteps ?? (KnownSteps is { } steps
        ? Math.Clamp(steps / 5, 1, Math.Max(1, steps - EffectiveWarmupSteps!.Value))
        : null);

    // Rounded to the digits of a decimal number that a double keeps, so that a tenth of 3e-4 is 3e-5.
    internal double EffectiveFinalLearningRate => FinalLearningRate
        ?? double.Parse((EffectiveLearningRate / 10).ToString("G15", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

    internal bool EffectiveClipWithPreviousNorm =>
        ClipWithPreviousNorm ?? (OptimizerPlacement == OptimizerPlacement.InsideBackward && MaxGradNorm > 0);

    /// <summary>The scheme that the options name; null if a folder or a measurement decides it, or the model has none.</summary>
    internal virtual Scheme? NamedScheme => null;

    /// <summary>The arithmetic, if the options decide it; null if a folder's scheme does.</summary>
    internal Arithmetic? EffectiveArithmetic => Arithmetic ?? NamedScheme?.DefaultArithmetic;

    /// <summary>The backward mode, if the options decide it; null if a folder's scheme does.</summary>
    internal BackwardMode? EffectiveBackwardMode =>
        BackwardMode ?? (NamedScheme is { } scheme ? scheme.DefaultBackwardMode(Arithmetic ?? scheme.DefaultArithmetic) : null);

    /// <summary>The option that names weights to start from, for messages; null if there is none.</summary>
    internal virtual string? StartOption => null;

    /// <summary>The maximum number of units of the loss (tokens, examples) in one example.</summary>
    internal virtual int UnitsPerExample => 1;

    /// <summary>The number of steps; null if it depends on MaxEpochs.</summary>
    private int? KnownSteps => MaxEpochs is null ? EffectiveMaxSteps : null;

    /// <summary>Returns a copy, so that later changes to the caller's object have no effect.</summary>
    internal TrainingOptions Copy() => (TrainingOptions)MemberwiseClone();

    /// <summary>Returns options whose MaxSteps is the number of steps of the run, and whose MaxEpochs is null.</summary>
    /// <param name="examplesPerEpoch">The number of examples in a pass over the training data, at least 1.</param>
    /// <exception cref="InvalidOperationException">MaxEpochs takes more steps than an int counts.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The warm-up or the decay takes more steps than the run has.</exception>
    internal TrainingOptions WithStepsOf(long examplesPerEpoch)
    {
        if (MaxEpochs is not { } epochs) return this;
        // Rounded before it is rounded up, so that 1.1 passes of 10 steps are 11 steps.
        double steps = Math.Ceiling(Math.Round(epochs * examplesPerEpoch / ((double)BatchSize * GradientAccumulationSteps), 6));
        if (steps > int.MaxValue && MaxSteps is null)
            throw new InvalidOperationException(string.Create(
                CultureInfo.InvariantCulture,
                $"MaxEpochs is {epochs}: with {examplesPerEpoch} examples a pass, that is more than {int.MaxValue} steps. " +
                $"Set MaxEpochs to a smaller number, or set MaxSteps."));
        TrainingOptions resolved = Copy();
        (resolved.MaxSteps, resolved.MaxEpochs) = ((int)Math.Clamp(steps, 1, MaxSteps ?? int.MaxValue), null);
        resolved.CheckSteps(string.Create(
            CultureInfo.InvariantCulture, $"the steps of MaxEpochs {epochs} with {examplesPerEpoch} examples a pass"));
        return resolved;
    }
}
