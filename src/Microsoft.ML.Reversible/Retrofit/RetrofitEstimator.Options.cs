using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Training;

namespace Microsoft.ML.Reversible;

public sealed partial class RetrofitEstimator
{
    /// <summary>Everything that can be set of a <see cref="RetrofitEstimator"/>, with its defaults.</summary>
    /// <remarks>
    /// The model's shape, tokens and tokenizer are the teacher's. Some defaults of the training are not those of
    /// <see cref="ReversibleLmTrainer"/>: batches of 8, 500 steps with a warm-up of 50, a learning rate of 3e-4 that falls to 3e-5, and no
    /// weight decay.
    /// </remarks>
    public sealed partial class Options : LanguageTrainingOptions
    {
        private const string OfTheTeacher = "the teacher's hash is compared";
        private const string OfTheScheme = "the task's entry Scheme has the student's, however it was chosen";

        /// <summary>Makes options with the defaults of a retrofit.</summary>
        public Options()
        {
            (BatchSize, MaxSteps, WarmupSteps) = (8, 500, 50);
            (LearningRate, FinalLearningRate, WeightDecay) = (3e-4, 3e-5, 0);
        }

        /// <summary>
        /// The folder of the trained model, in Hugging Face's layout: a residual model of the GPT-2 or the Llama family. Give this or
        /// <see cref="Teacher"/>.
        /// </summary>
        [NotInFingerprint(OfTheTeacher)]
        public string? TeacherPath { get; set; }

        /// <summary>The trained model, loaded already; it stays the caller's, and is not changed.</summary>
        [NotInFingerprint(OfTheTeacher)]
        public ReversibleLmTransformer? Teacher { get; set; }

        /// <summary>
        /// Where a teacher from a folder computes: <c>cpu</c>, <c>cuda</c> or <c>cuda:1</c>; null takes the student's device.
        /// </summary>
        [NotInFingerprint("where a model computes may change between a run's parts")]
        public string? TeacherDevice { get; set; }

        /// <summary>The number type in which the blocks of a teacher from a folder compute.</summary>
        [NotInFingerprint(OfTheTeacher)]
        public Precision TeacherPrecision { get; set; } = Precision.Float32;

        /// <summary>
        /// A folder to start the student from, such as the result of an earlier retrofit that is to be distilled further; its scheme is
        /// the folder's. Null converts the teacher.
        /// </summary>
        [NotInFingerprint("a checkpoint takes its place")]
        public string? StudentPath { get; set; }

        /// <summary>
        /// The recurrence that the layers get: <see cref="Bdia.Blend"/> stays closest to the teacher and stores a few bits an activation;
        /// <see cref="IteratedInverse"/>, midpoint and leapfrog store fewer or none, and need distillation; BDIA with random signs keeps
        /// the teacher's network for inference. Refused where <see cref="ChooseScheme"/> or <see cref="StudentPath"/> decides it.
        /// </summary>
        [NotInFingerprint(OfTheScheme)]
        public Scheme Scheme { get; set; } = Bdia.Blend();

        /// <summary>
        /// Whether the scheme is chosen instead: the candidates are measured on held-out text, and the one that is closest to the teacher
        /// and within <see cref="MaxSideGiB"/> and <see cref="MaxRelativeCost"/> is taken. The report says why.
        /// </summary>
        [NotInFingerprint(OfTheScheme)]
        public bool ChooseScheme { get; set; }

        /// <summary>
        /// The most memory that a chosen scheme may take for its stored bits in a batch of the training, GiB, at least 0; null sets no
        /// limit.
        /// </summary>
        [NotInFingerprint(OfTheScheme)]
        public double? MaxSideGiB { get; set; }

        /// <summary>
        /// The most that a training step of a chosen scheme may cost, in steps of the teacher with activation checkpointing, at least 1;
        /// null sets no limit.
        /// </summary>
        [NotInFingerprint(OfTheScheme)]
        public double? MaxRelativeCost { get; set; }

        /// <summary>
        /// Whether the step size of midpoint and leapfrog is searched on held-out text, with a first step of forward Euler; otherwise the
        /// scheme is taken as it is. A scheme that names its step size needs false, which other schemes refuse.
        /// </summary>
        [NotInFingerprint(OfTheScheme)]
        public bool SearchStepSize { get; set; } = true;

        /// <summary>Held-out windows on which teacher and student are compared, at least 1.</summary>
        [NotInFingerprint("it decides the report alone")]
        public int ReportWindows { get; set; } = 64;

        /// <summary>
        /// Whether the student is trained to answer as the teacher does; false only converts it, which is enough for a blend of
        /// 1/16. Options of the training are then refused.
        /// </summary>
        [NotInFingerprint("without it there is no run")]
        public bool Distill { get; set; } = true;

        /// <summary>The measure of the student's distance from the teacher.</summary>
        public Divergence Divergence { get; set; } = Divergence.ForwardKl;

        /// <summary>
        /// The teacher's share of the mixture of <see cref="Divergence.JensenShannon"/>, within (0, 1); refused with another divergence.
        /// </summary>
        public double JensenShannonWeight { get; set; } = 0.5;

        /// <summary>What both models' logits are divided by for the divergence, positive and finite.</summary>
        public double Temperature { get; set; } = 1;

        /// <summary>
        /// The weight of the cross-entropy of the text itself, within [0, 1]; the divergence has the rest, times the squared temperature.
        /// At 1 the divergence has no weight, and its options are refused.
        /// </summary>
        public double CrossEntropyWeight { get; set; }

        /// <summary>
        /// The weight of the squared difference between hidden states of the student and the teacher's, relative to the teacher's
        /// mean square; at least 0, 0 leaves it out.
        /// </summary>
        public double HiddenStateWeight { get; set; }

        /// <summary>
        /// The hidden states that <see cref="HiddenStateWeight"/> compares; null pairs each layer's with the same layer's.
        /// </summary>
        [NotInFingerprint("the task's entry of this name has the pairs, also where they follow from the models")]
        public IReadOnlyList<LayerPair>? LayerMap { get; set; }

        /// <summary>
        /// How many of the teacher's largest logits of each token are kept on disk, so that later epochs do not run the teacher; at least
        /// 0, 0 runs the teacher each time. The training windows then lie at the same places in every epoch.
        /// </summary>
        [NotInFingerprint("the task's entry of this name has how many logits there are, and their type")]
        public int TeacherTopK { get; set; }

        /// <summary>
        /// The file for <see cref="TeacherTopK"/>, used again where teacher and data are the same; null takes a temporary one.
        /// </summary>
        [NotInFingerprint("where answers are kept decides no number")]
        public string? TeacherCachePath { get; set; }

        /// <summary>
        /// Told how far the untrained student is from the teacher, before distillation begins, on the thread that calls Fit.
        /// </summary>
        [NotInFingerprint("it only listens")]
        public IProgress<RetrofitReport>? ReportProgress { get; set; }

        internal DistillationLoss Loss => new(Divergence, Temperature, CrossEntropyWeight, JensenShannonWeight);

        internal override string? StartOption => nameof(StudentPath);

        internal override Scheme? NamedScheme => StudentPath is null && !ChooseScheme ? Scheme : null;
    }
}
