namespace Microsoft.ML.Reversible;

public sealed partial class ReversibleLmTrainer
{
    public sealed partial class Options
    {
        /// <summary>Windows in a batch, at least 1.</summary>
        public int BatchSize { get; set; } = 16;

        /// <summary>
        /// Batches whose gradients are added up before the optimizer steps, at least 1. The loss is the mean over the tokens of all of
        /// them together.
        /// </summary>
        public int GradientAccumulationSteps { get; set; } = 1;

        /// <summary>Optimizer steps, at least 1.</summary>
        public int MaxSteps { get; set; } = 1000;

        /// <summary>The learning rate after the warm-up, positive and finite.</summary>
        public double LearningRate { get; set; } = 1e-3;

        /// <summary>How the learning rate goes on after the warm-up.</summary>
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
        /// The part of the target's probability that is spread over the whole vocabulary in training, within [0, 1); the training loss that
        /// is reported has it, the validation loss has not.
        /// </summary>
        public double LabelSmoothing { get; set; }

        /// <summary>
        /// Where the optimizer steps: after the backward pass, or layer by layer inside it, so that the gradients of one layer exist at a
        /// time.
        /// </summary>
        public OptimizerPlacement OptimizerPlacement { get; set; } = OptimizerPlacement.AfterBackward;

        /// <summary>
        /// Whether clipping inside the backward pass, where the norm of all gradients is not known yet, goes by the norm of the step
        /// before. Without it <see cref="MaxGradNorm"/> must be 0 there. Refused where the optimizer steps after the backward pass.
        /// </summary>
        public bool ClipWithPreviousNorm { get; set; }

        /// <summary>
        /// A step whose gradients' norm is this many times their running mean is skipped; above 1, or 0 to skip none for its size. Steps
        /// whose gradients are not finite are always skipped.
        /// </summary>
        public double OutlierFactor { get; set; }

        /// <summary>Skipped steps in a row after which the run gives up, at least 1.</summary>
        public int MaxSkippedSteps { get; set; } = 10;

        /// <summary>Whether every step takes the batches of the first one: a quick check that a set-up can learn at all.</summary>
        public bool OverfitOneBatch { get; set; }

        internal int EffectiveDecaySteps => DecaySteps ?? Math.Clamp(MaxSteps / 5, 1, Math.Max(1, MaxSteps - WarmupSteps));
    }
}
