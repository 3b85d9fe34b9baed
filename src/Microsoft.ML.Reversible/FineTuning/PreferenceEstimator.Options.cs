using Microsoft.ML.Reversible.FineTuning;
using Microsoft.ML.Reversible.Training;
using static Microsoft.ML.Reversible.Training.OptionChecks;

namespace Microsoft.ML.Reversible;

public sealed partial class PreferenceEstimator
{
    /// <summary>The options of a <see cref="PreferenceEstimator"/>, with their defaults.</summary>
    /// <remarks>
    /// They are those of a fine-tuning, except for what belongs to its windows. The columns of roles and texts, or of prompt and system,
    /// hold the prompt that both answers share. Some defaults differ: batches of 4 pairs, and a learning rate of 1e-6 or for an adapter
    /// 5e-6. A batch has two rows for each pair, each of at most ContextLength tokens.
    /// </remarks>
    public sealed class Options : FineTuneEstimator.Options
    {
        /// <summary>Creates options with the defaults of an alignment.</summary>
        public Options() => BatchSize = 4;

        /// <summary>The text column of the preferred answer.</summary>
        [NotInFingerprint("the data's hash is compared")]
        public string ChosenColumnName { get; set; } = "Chosen";

        /// <summary>The text column of the other answer.</summary>
        [NotInFingerprint("the data's hash is compared")]
        public string RejectedColumnName { get; set; } = "Rejected";

        /// <summary>
        /// The factor of the differences between the model's log-likelihoods and the reference's in the loss, positive and finite. The
        /// greater it is, the closer the model stays to the reference.
        /// </summary>
        public double Beta { get; set; } = 0.1;

        /// <summary>The probability that a preference in the data is the wrong way round, within [0, 0.5).</summary>
        public double LabelSmoothing { get; set; }

        /// <summary>
        /// The weight of the chosen answer's mean loss per token, which is added to the loss; at least 0 and finite. It keeps the chosen
        /// answers from becoming less likely together with the rejected ones.
        /// </summary>
        public double SftWeight { get; set; }

        /// <summary>Receives the report on data and model before the first step, on the thread that calls Fit.</summary>
        [NotInFingerprint("it only listens")]
        public IProgress<PreferenceReport>? PairProgress { get; set; }

        internal override double DefaultLearningRate => LoraRank is null ? 1e-6 : 5e-6;

        internal override int UnitsPerExample => 1;

        internal override ConversationColumns Columns => HasPrompts
            ? new(null, null, PromptColumnName, ChosenColumnName, SystemColumnName, SystemPrompt)
            : base.Columns;

        internal PreferenceColumns Preferences => new(Columns, ChosenColumnName, RejectedColumnName);

        internal PreferenceLoss Loss => new(Beta, LabelSmoothing, SftWeight);

        internal override void CheckRanges()
        {
            base.CheckRanges();
            Positive(Beta, nameof(Beta));
            Require(LabelSmoothing is >= 0 and < 0.5, nameof(LabelSmoothing), LabelSmoothing, "within [0, 0.5)");
            NotNegative(SftWeight, nameof(SftWeight));
            Require(2L * BatchSize * ContextLength <= 1 << 30, nameof(BatchSize), BatchSize,
                $"so small that twice BatchSize times ContextLength, which is {ContextLength}, is at most 2^30 tokens");
        }

        internal override IEnumerable<UnusedOption> Unused(bool asksForGpu)
        {
            const string Why = "in an alignment with preferences, ";
            yield return new(nameof(ResponseColumnName), Why + "which has two answers", "set ChosenColumnName and RejectedColumnName");
            yield return new(nameof(Packing), Why + "where each answer has a row of its own", "fine-tune with FineTune");
            yield return new(nameof(AttendAcrossConversations), Why + "where each answer has a row of its own", "fine-tune with FineTune");
            yield return new(nameof(ReportProgress), Why + "which reports pairs", "set PairProgress");
            foreach (UnusedOption one in base.Unused(asksForGpu)) yield return one;
        }

        private protected override IEnumerable<UnusedOption> UnusedOfColumns() => HasPrompts
            ? base.UnusedOfColumns()
            : [new(nameof(SystemColumnName), "without a PromptColumnName", "set PromptColumnName")];

        private protected override void CheckColumns()
        {
            Named(RolesColumnName, nameof(RolesColumnName));
            Named(TextsColumnName, nameof(TextsColumnName));
            Named(ChosenColumnName, nameof(ChosenColumnName));
            Named(RejectedColumnName, nameof(RejectedColumnName));
            if (PromptColumnName is { } prompt) Named(prompt, nameof(PromptColumnName));
            if (SystemColumnName is { } system) Named(system, nameof(SystemColumnName));
            string[] columns = [.. base.Columns.Names.Append(ChosenColumnName).Append(RejectedColumnName)];
            if (columns.Distinct().Count() < columns.Length)
                throw new ArgumentException($"The columns of a pair must be different, not {string.Join(", ", columns)}.");
        }
    }
}
