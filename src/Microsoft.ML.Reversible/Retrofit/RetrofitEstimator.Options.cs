namespace Microsoft.ML.Reversible;

public sealed partial class RetrofitEstimator
{
    /// <summary>Everything that can be set of a <see cref="RetrofitEstimator"/>, with its defaults.</summary>
    public sealed partial class Options
    {
        /// <summary>
        /// The folder of the trained model, in Hugging Face's layout: a residual model of the GPT-2 or the Llama family. Give this or
        /// <see cref="Teacher"/>.
        /// </summary>
        public string? TeacherPath { get; set; }

        /// <summary>The trained model, loaded already; it stays the caller's, and is not changed.</summary>
        public ReversibleLmTransformer? Teacher { get; set; }

        /// <summary>
        /// Where a teacher from a folder computes: <c>cpu</c>, <c>cuda</c> or <c>cuda:1</c>; null takes the student's device.
        /// </summary>
        public string? TeacherDevice { get; set; }

        /// <summary>The number type in which the blocks of a teacher from a folder compute.</summary>
        public Precision TeacherPrecision { get; set; } = Precision.Float32;

        /// <summary>
        /// A folder to start the student from, such as the result of an earlier retrofit that is to be distilled further; its scheme is
        /// the folder's. Null converts the teacher.
        /// </summary>
        public string? StudentPath { get; set; }

        /// <summary>
        /// The recurrence that the layers get: <see cref="Bdia.Blend"/> stays closest to the teacher and stores a few bits an activation;
        /// <see cref="Estimator"/>, midpoint and leapfrog store fewer or none, and live by distillation; BDIA with signs at random keeps
        /// the teacher's network for inference. Refused where <see cref="ChooseScheme"/> or <see cref="StudentPath"/> decides it.
        /// </summary>
        public Scheme Scheme { get; set; } = Bdia.Blend();

        /// <summary>
        /// Whether the scheme is chosen instead: the candidates are measured on held-out text, and the one that is closest to the teacher
        /// and within <see cref="MaxSideGiB"/> and <see cref="MaxRelativeCost"/> is taken. The report says why.
        /// </summary>
        public bool ChooseScheme { get; set; }

        /// <summary>
        /// The most memory that a chosen scheme may take for its stored bits in a batch of the training, GiB, at least 0; null sets no
        /// limit.
        /// </summary>
        public double? MaxSideGiB { get; set; }

        /// <summary>
        /// The most that a training step of a chosen scheme may cost, in steps of the teacher with activation checkpointing, at least 1;
        /// null sets no limit.
        /// </summary>
        public double? MaxRelativeCost { get; set; }

        /// <summary>
        /// Whether the step size of midpoint and leapfrog is searched on held-out text, with a first step of forward Euler; otherwise the
        /// scheme is taken as it is. A scheme that names its step size needs false, which other schemes refuse.
        /// </summary>
        public bool SearchStepSize { get; set; } = true;

        /// <summary>Held-out windows on which teacher and student are compared, at least 1.</summary>
        public int ReportWindows { get; set; } = 64;

        /// <summary>
        /// How the student is trained: data column, context, batches, schedule, checkpoints, resuming, progress and cancellation are those
        /// of the trainer. The model's shape and tokenizer are the teacher's, so what concerns these must be left as it is.
        /// </summary>
        public ReversibleLmTrainer.Options Training { get; private set; } = new()
        {
            BatchSize = 8,
            MaxSteps = 500,
            WarmupSteps = 50,
            LearningRate = 3e-4,
            FinalLearningRate = 3e-5,
            WeightDecay = 0,
        };

        /// <summary>
        /// Told how far the untrained student is from the teacher, before distillation begins, on the thread that calls Fit; null where
        /// nobody is.
        /// </summary>
        public IProgress<RetrofitReport>? ReportProgress { get; set; }

        internal Options Copy()
        {
            var copy = (Options)MemberwiseClone();
            copy.Training = Training.Copy();
            return copy;
        }
    }
}
