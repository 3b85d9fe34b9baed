using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Training;

namespace Microsoft.ML.Reversible;

public sealed partial class RetrofitEstimator
{
    /// <summary>The options of a <see cref="RetrofitEstimator"/>, with their defaults.</summary>
    /// <remarks>
    /// The model's shape, vocabulary and tokenizer are the teacher's. Some training defaults differ from <see
    /// cref="ReversibleLmTrainer"/>'s: batches of 8, 500 steps with a warm-up of at most 50, a learning rate of 3e-4 that falls to 3e-5,
    /// and no weight decay. <see cref="TrainingOptions.ValidationFraction"/> must be above 0.
    /// </remarks>
    public sealed partial class Options : LanguageTrainingOptions
    {
        private const string OfTheTeacher = "the teacher's hash is compared";
        private const string OfTheScheme = "the task's entry Scheme has the student's scheme";

        /// <summary>The denominator of a blend's γ, and of an iterated inverse's A, from which on no distillation is needed.</summary>
        private const int NearTeacher = 16;

        /// <summary>Creates options with the defaults of a retrofit.</summary>
        public Options()
        {
            (BatchSize, WeightDecay) = (8, 0);
        }

        /// <summary>
        /// The folder of the trained model, in Hugging Face's layout: a residual model of any <see cref="ModelFamily"/>. Set either this or
        /// <see cref="Teacher"/>.
        /// </summary>
        [NotInFingerprint(OfTheTeacher)]
        public string? TeacherPath { get; set; }

        /// <summary>The trained model, already loaded. The caller keeps ownership, and the model is not changed.</summary>
        [NotInFingerprint(OfTheTeacher)]
        public ReversibleLmTransformer? Teacher { get; set; }

        /// <summary>
        /// Where a teacher from a folder computes: <c>cpu</c>, <c>cuda</c> or <c>cuda:1</c>; null takes the student's device.
        /// </summary>
        [NotInFingerprint("the device may change when a run is resumed")]
        public string? TeacherDevice { get; set; }

        /// <summary>The number type in which the blocks of a teacher from a folder compute.</summary>
        [NotInFingerprint(OfTheTeacher)]
        public Precision TeacherPrecision { get; set; } = Precision.Float32;

        /// <summary>
        /// A folder to start the student from, for example to distil an earlier retrofit further; its scheme is
        /// the folder's. Null converts the teacher.
        /// </summary>
        [NotInFingerprint("a checkpoint replaces it")]
        public string? StudentPath { get; set; }

        /// <summary>
        /// The student's scheme. <see cref="Bdia.Blend"/> stays closest to the teacher and stores a few bits per activation; <see
        /// cref="IteratedInverse"/>, midpoint and leapfrog store fewer or none, but need distillation; BDIA with random signs keeps the
        /// teacher's network for inference. Refused if <see cref="ChooseScheme"/> or <see cref="StudentPath"/> decides it.
        /// </summary>
        [NotInFingerprint(OfTheScheme)]
        public Scheme Scheme { get; set; } = Bdia.Blend();

        /// <summary>
        /// Whether to choose the scheme automatically: candidates are measured on held-out text, and the one closest to the teacher within
        /// <see cref="MaxRemainderGiB"/> and <see cref="MaxRelativeCost"/> is taken. The report says why.
        /// </summary>
        [NotInFingerprint(OfTheScheme)]
        public bool ChooseScheme { get; set; }

        /// <summary>
        /// The maximum memory that a chosen scheme may take for the remainders of a training batch, in GiB, at least 0; null sets no limit.
        /// </summary>
        [NotInFingerprint(OfTheScheme)]
        public double? MaxRemainderGiB { get; set; }

        /// <summary>
        /// The maximum cost of a training step of a chosen scheme, as a multiple of a step of the teacher with activation checkpointing, at
        /// least 1; null sets no limit.
        /// </summary>
        [NotInFingerprint(OfTheScheme)]
        public double? MaxRelativeCost { get; set; }

        /// <summary>
        /// Whether to search the step size of midpoint or leapfrog on held-out text, with a first step of forward Euler; otherwise the
        /// scheme is used as given. Null is true for <see cref="Scheme.Midpoint"/> and <see cref="Scheme.Leapfrog"/>, and false for another
        /// step size, for which true is refused. Has no effect for other schemes, which refuse it.
        /// </summary>
        [NotInFingerprint(OfTheScheme)]
        public bool? SearchStepSize { get; set; }

        /// <summary>The number of held-out windows on which teacher and student are compared, at least 1.</summary>
        [NotInFingerprint("it affects only the report")]
        public int ReportWindows { get; set; } = 64;

        /// <summary>
        /// Whether the student is trained to match the teacher. False only converts the teacher; options of the training and of its loss
        /// are then refused. Null trains if one of these options is set, if <see cref="StudentPath"/> is set, or if the scheme needs it:
        /// all do but blends with K of at least 16, iterated inverses with an absolute A of at most 1/16, and BDIA that computes the
        /// teacher's network after training.
        /// </summary>
        /// <remarks>
        /// If training has made the student worse on the held-out text, the result is the student from before, to the bit: <see
        /// cref="RetrofitReport.DistillationDiscarded"/>.
        /// </remarks>
        [NotInFingerprint("without it there is no run")]
        public bool? Distill { get; set; }

        /// <summary>The measure of the student's distance from the teacher.</summary>
        public Divergence Divergence { get; set; } = Divergence.ForwardKl;

        /// <summary>
        /// The teacher's share of the mixture of <see cref="Divergence.JensenShannon"/>, within (0, 1); refused with another divergence.
        /// </summary>
        public double JensenShannonWeight { get; set; } = 0.5;

        /// <summary>The divisor of both models' logits in the divergence, positive and finite.</summary>
        public double Temperature { get; set; } = 1;

        /// <summary>
        /// The weight α of the cross-entropy of the text, within [0, 1]. The divergence has the weight 1 - α times the squared temperature.
        /// At 1, the options of the divergence are refused.
        /// </summary>
        public double CrossEntropyWeight { get; set; }

        /// <summary>
        /// The weight of the squared difference between the student's and the teacher's hidden states, relative to the teacher's mean
        /// square; at least 0, and 0 leaves it out.
        /// </summary>
        public double HiddenStateWeight { get; set; }

        /// <summary>The pairs of hidden states that <see cref="HiddenStateWeight"/> compares; null pairs equal layers.</summary>
        [NotInFingerprint("the task's entry of this name has the pairs, also if they are derived from the models")]
        public IReadOnlyList<LayerPair>? LayerMap { get; set; }

        /// <summary>
        /// The number of the teacher's largest logits per token that are stored on disk, so that later epochs do not run the teacher; at
        /// least 0, and 0 runs the teacher at every step. With a cache, the training windows begin at the same tokens in every epoch.
        /// </summary>
        [NotInFingerprint("the task's entry of this name has the number and type of the logits")]
        public int TeacherTopK { get; set; }

        /// <summary>
        /// The file for <see cref="TeacherTopK"/>. A later run with the same teacher and data uses it again; null uses a temporary file.
        /// </summary>
        [NotInFingerprint("where the logits are stored changes no number")]
        public string? TeacherCachePath { get; set; }

        /// <summary>Receives the report on the untrained student before distillation begins, on the thread that calls Fit.</summary>
        [NotInFingerprint("it only listens")]
        public IProgress<RetrofitReport>? ReportProgress { get; set; }

        internal DistillationLoss Loss => new(Divergence, Temperature, CrossEntropyWeight, JensenShannonWeight);

        internal override int DefaultMaxSteps => 500;

        internal override double DefaultLearningRate => 3e-4;

        internal override string? StartOption => nameof(StudentPath);

        internal override Scheme? NamedScheme => StudentPath is null && !ChooseScheme ? Scheme : null;

        internal bool EffectiveSearchStepSize => SearchStepSize ?? !GivesStepSize(Scheme);

        /// <summary>Returns whether a student of this scheme is distilled.</summary>
        internal bool Distills(Scheme scheme) => Distill ?? (StudentPath is not null || AsksForDistillation || NeedsDistillation(scheme));

        /// <summary>Returns what a distillation is to lower on held-out text, in the weights of its loss; nats per token.</summary>
        internal double HeldOutLoss(RetrofitAgreement agreement) => CrossEntropyWeight == 0
            ? agreement.Distance
            : (1 - CrossEntropyWeight) * agreement.KlPerToken + CrossEntropyWeight * agreement.StudentLoss;

        /// <summary>Whether an option is set that has an effect only in a distillation.</summary>
        private bool AsksForDistillation
        {
            get
            {
                Options defaults = new();
                return OfDistillation.Select(option => typeof(Options).GetProperty(option)!)
                    .Any(property => !Equals(property.GetValue(this), property.GetValue(defaults)));
            }
        }

        /// <summary>Returns whether a conversion to the scheme is far from its teacher.</summary>
        private static bool NeedsDistillation(Scheme scheme) => scheme switch
        {
            Bdia bdia => bdia.Inference == BdiaInference.Recurrence && bdia.K < NearTeacher,
            IteratedInverse inverse => Math.Abs(inverse.A) > 1.0 / NearTeacher,
            _ => true,
        };
    }
}
