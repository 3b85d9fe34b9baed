using Microsoft.ML.Reversible.Training;

namespace Microsoft.ML.Reversible;

/// <summary>
/// The options of every trainer: how the layers are computed, batches, AdamW, the learning rate, evaluations, reports and checkpoints.
/// </summary>
// An option is declared once, as a property of the class that it belongs to. It is part of the fingerprint by which a run is resumed,
// unless it is marked NotInFingerprint.
public abstract partial class TrainingOptions
{
    internal TrainingOptions()
    {
    }

    /// <summary>
    /// <c>cpu</c>, <c>cuda</c> or <c>cuda:1</c>; null takes the MLContext's <see cref="MLContext.GpuDeviceId"/>, or the CPU where
    /// that is not set. Where the GPU is missing, <see cref="MLContext.FallbackToCpu"/> decides between the CPU and an exception.
    /// </summary>
    [NotInFingerprint("where a run computes may change between its parts")]
    public string? Device { get; set; }

    /// <summary>The number type in which the blocks compute; parameters and optimizer state are float32 in either case.</summary>
    public Precision Precision { get; set; } = Precision.Float32;

    /// <summary>
    /// How the backward pass gets the layers' activations; null takes <see cref="BackwardMode.Reversible"/> where the scheme is
    /// reversible and <see cref="BackwardMode.Stored"/> where it is not.
    /// </summary>
    [NotInFingerprint("it decides memory and time")]
    public BackwardMode? BackwardMode { get; set; }

    /// <summary>
    /// The most layers, from the last, that keep their activations although the backward mode is <see cref="BackwardMode.Reversible"/>, at
    /// least 0; refused in another mode. Each saves the second evaluation of its block and costs the memory of one layer's activations,
    /// so that a batch that leaves memory free trains faster.
    /// </summary>
    [NotInFingerprint("it decides memory and time")]
    public int KeptLayerCount { get; set; }

    /// <summary>
    /// The arithmetic of the hidden states between the layers; null takes <see cref="Arithmetic.Exact"/> for BDIA, which needs it
    /// to run backwards, and <see cref="Arithmetic.Float"/> for the others.
    /// </summary>
    [NotInFingerprint("the task's entry of this name has the model's, also where a folder decides it")]
    public Arithmetic? Arithmetic { get; set; }

    /// <summary>
    /// Whether the same run gives the same bits every time on CUDA too, where the fastest kernels add up the gradients of attention in
    /// whatever order their parts come. The kernels that replace them take about twice as long and need heads whose size is a multiple
    /// of 8. Refused on the CPU, which always repeats to the bit.
    /// </summary>
    public bool Deterministic { get; set; }

    /// <summary>
    /// Seeds the weights and the order of the data: with one seed, two runs on CPU agree to the bit. Null draws one from
    /// the MLContext, which repeats if that has a seed.
    /// </summary>
    [NotInFingerprint("the fingerprint has the seed itself, also where it was drawn")]
    public int? Seed { get; set; }

    /// <summary>The part of the data, from the end, that is held out for validation; within [0, 1), 0 holds out nothing.</summary>
    public double ValidationFraction { get; set; } = 0.1;

    /// <summary>Examples in a micro-batch, at least 1; an example of a language model is a window of tokens.</summary>
    public int BatchSize { get; set; } = 16;

    /// <summary>
    /// Micro-batches whose gradients are added up before the optimizer steps, at least 1. The loss is the mean over all of them
    /// together.
    /// </summary>
    public int GradientAccumulationSteps { get; set; } = 1;

    /// <summary>Optimizer steps, at least 1.</summary>
    public int MaxSteps { get; set; } = 1000;

    /// <summary>The learning rate after the warm-up, positive and finite.</summary>
    public double LearningRate { get; set; } = 1e-3;

    /// <summary>How the learning rate continues after the warm-up.</summary>
    public LearningRateScheduleKind Schedule { get; set; } = LearningRateScheduleKind.Cosine;

    /// <summary>
    /// The learning rate that the schedule has fallen to when <see cref="MaxSteps"/> are done, within [0, <see cref="LearningRate"/>];
    /// refused with <see cref="LearningRateScheduleKind.Constant"/>.
    /// </summary>
    public double FinalLearningRate { get; set; } = 1e-4;

    /// <summary>Steps over which the learning rate rises from nearly 0, within [0, <see cref="MaxSteps"/>].</summary>
    public int WarmupSteps { get; set; } = 100;

    /// <summary>
    /// The last steps, over which <see cref="LearningRateScheduleKind.WarmupStableDecay"/> lowers the learning rate; at least 1, and
    /// at most what the warm-up leaves. Null is a fifth of <see cref="MaxSteps"/>. Refused with another schedule.
    /// </summary>
    public int? DecaySteps { get; set; }

    /// <summary>AdamW's decoupled weight decay, at least 0; matrices decay, biases and norms do not.</summary>
    public double WeightDecay { get; set; } = 0.1;

    /// <summary>AdamW's decay of the gradient's running mean, within [0, 1).</summary>
    public double Beta1 { get; set; } = 0.9;

    /// <summary>AdamW's decay of the squared gradient's running mean, within [0, 1).</summary>
    public double Beta2 { get; set; } = 0.99;

    /// <summary>What AdamW adds to the denominator, positive and finite.</summary>
    public double Epsilon { get; set; } = 1e-8;

    /// <summary>The global norm that gradients are clipped to, at least 0; 0 means not to clip.</summary>
    public double MaxGradNorm { get; set; } = 1.0;

    /// <summary>
    /// When the optimizer steps: after the backward pass, or layer by layer inside it, so that the gradients of one layer exist at a
    /// time.
    /// </summary>
    public OptimizerPlacement OptimizerPlacement { get; set; } = OptimizerPlacement.AfterBackward;

    /// <summary>
    /// Whether clipping inside the backward pass, where the norm of all gradients is not known yet, uses the norm of the step before.
    /// Without it <see cref="MaxGradNorm"/> must be 0 there. Refused where the optimizer steps after the backward pass.
    /// </summary>
    public bool ClipWithPreviousNorm { get; set; }

    /// <summary>
    /// A step whose gradients' norm is this many times their running mean is skipped; above 1, or 0 to skip none for its size. Steps
    /// whose gradients are not finite are always skipped.
    /// </summary>
    public double OutlierFactor { get; set; }

    /// <summary>Skipped steps in a row after which the run fails, at least 1.</summary>
    [NotInFingerprint("it decides when a run fails, not what its steps do")]
    public int MaxSkippedSteps { get; set; } = 10;

    /// <summary>Whether every step takes the batches of the first one: a quick check that a set-up can learn at all.</summary>
    public bool OverfitOneBatch { get; set; }

    /// <summary>Steps between evaluations on the held-out part, at least 1; refused where nothing is held out.</summary>
    public int EvaluationInterval { get; set; } = 250;

    /// <summary>
    /// Batches that an evaluation during the run takes at most, at least 1; the last one takes the whole held-out part. Refused where
    /// nothing is held out.
    /// </summary>
    public int EvaluationBatches { get; set; } = 20;

    /// <summary>
    /// Evaluations without a lower validation loss than the lowest before, after which the run ends early; at least 0, 0 never ends it.
    /// A retrofit uses the held-out divergence from the teacher in place of the loss, here and in <see cref="ReturnBest"/>.
    /// </summary>
    public int EarlyStoppingPatience { get; set; }

    /// <summary>
    /// Whether the result has the weights of the evaluation with the lowest loss instead of the last step's. Needs a
    /// <see cref="CheckpointFolder"/> and held-out data.
    /// </summary>
    [NotInFingerprint("it decides which weights are returned, not what the steps do")]
    public bool ReturnBest { get; set; }

    /// <summary>Steps between reports of progress, at least 1.</summary>
    [NotInFingerprint("what a run reports may change between its parts")]
    public int ReportInterval { get; set; } = 10;

    /// <summary>
    /// A file to which reports are added as lines of JSON: step, tokens (or the task's unit), loss, learning_rate, grad_norm,
    /// tokens_per_s, host_memory_gib, on a GPU device_memory_gib, and after an evaluation validation_loss and the task's figures, for a
    /// language model bits_per_byte and perplexity. Null writes none.
    /// </summary>
    [NotInFingerprint("what a run reports may change between its parts")]
    public string? MetricsPath { get; set; }

    /// <summary>
    /// The folder in which the run leaves checkpoints: everything from which it resumes to the bit after any end, also of its process.
    /// A language model's checkpoint is a Hugging Face folder too, which <c>LoadPretrained</c> reads. Null leaves none.
    /// </summary>
    [NotInFingerprint("it is where the run is found")]
    public string? CheckpointFolder { get; set; }

    /// <summary>
    /// Steps between checkpoints, at least 1; each new best evaluation, the last step and a cancelled run leave one too. Refused
    /// without a <see cref="CheckpointFolder"/>, like the other options about checkpoints.
    /// </summary>
    [NotInFingerprint("what a run keeps may change between its parts")]
    public int CheckpointInterval { get; set; } = 250;

    /// <summary>How many of the latest checkpoints are kept, at least 1; that of the best evaluation is kept besides.</summary>
    [NotInFingerprint("what a run keeps may change between its parts")]
    public int CheckpointsKept { get; set; } = 2;

    /// <summary>What to do about checkpoints that are in the folder already.</summary>
    [NotInFingerprint("it decides whether there is an earlier part")]
    public ResumeMode Resume { get; set; } = ResumeMode.IfPresent;

    /// <summary>What to do where the last of them is damaged.</summary>
    [NotInFingerprint("it decides which earlier part is resumed")]
    public DamagedCheckpoint DamagedCheckpoint { get; set; } = DamagedCheckpoint.Refuse;

    /// <summary>Told of progress, on the thread that trains.</summary>
    [NotInFingerprint("it only listens")]
    public IProgress<TrainingProgress>? Progress { get; set; }

    /// <summary>
    /// Ends the run with an <see cref="OperationCanceledException"/> before the next step. With a <see cref="CheckpointFolder"/> it
    /// leaves a checkpoint from which the run resumes.
    /// </summary>
    [NotInFingerprint("it ends a part of a run")]
    public CancellationToken CancellationToken { get; set; }

    internal int EffectiveDecaySteps => DecaySteps ?? Math.Clamp(MaxSteps / 5, 1, Math.Max(1, MaxSteps - WarmupSteps));

    /// <summary>The scheme that the options name; null where a folder or a measurement decides it, or the model has none.</summary>
    internal virtual Scheme? NamedScheme => null;

    /// <summary>The arithmetic as far as the options decide it; null where a folder's scheme does.</summary>
    internal Arithmetic? EffectiveArithmetic => Arithmetic ?? NamedScheme?.DefaultArithmetic;

    /// <summary>The backward mode as far as the options decide it; null where a folder's scheme does.</summary>
    internal BackwardMode? EffectiveBackwardMode =>
        BackwardMode ?? (NamedScheme is { } scheme ? scheme.DefaultBackwardMode(Arithmetic ?? scheme.DefaultArithmetic) : null);

    /// <summary>The option that names weights to start from, for messages; null where there is none.</summary>
    internal virtual string? StartOption => null;

    /// <summary>The most units of the loss (tokens, examples) that one example of the data counts as.</summary>
    internal virtual int UnitsPerExample => 1;

    /// <summary>A copy, so that later changes to the caller's object have no effect.</summary>
    internal TrainingOptions Copy() => (TrainingOptions)MemberwiseClone();
}
