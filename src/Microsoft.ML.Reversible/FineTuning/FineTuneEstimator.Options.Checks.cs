using Microsoft.ML.Reversible.FineTuning;
using Microsoft.ML.Reversible.Training;
using static Microsoft.ML.Reversible.Training.OptionChecks;

namespace Microsoft.ML.Reversible;

public sealed partial class FineTuneEstimator
{
    public partial class Options
    {
        /// <summary>Options of a text column, which conversations do not have.</summary>
        private static readonly string[] _ofTexts =
            [nameof(TextColumnName), nameof(DocumentBoundaries), nameof(TokenCachePath), nameof(EndOfTextId)];

        internal override void CheckRanges()
        {
            CheckModel();
            CheckColumns();
            base.CheckRanges();
            AtLeast(1, VocabularyMultiple, nameof(VocabularyMultiple));
            CheckAdapter();
            if (AddedTokens is not { } tokens) return;
            if (tokens.Any(string.IsNullOrEmpty))
                throw new ArgumentException("AddedTokens must not have an empty token.", nameof(AddedTokens));
            if (tokens.GroupBy(token => token).FirstOrDefault(group => group.Count() > 1) is { } twice)
                throw new ArgumentException(
                    $"AddedTokens must have different tokens, but '{twice.Key}' occurs twice.", nameof(AddedTokens));
        }

        internal override IEnumerable<UnusedOption> Unused(bool asksForGpu)
        {
            foreach (string option in _ofTexts)
                yield return new(option, "in fine-tuning, which reads conversations", "train on texts");
            foreach (UnusedOption one in UnusedOfColumns().Concat(UnusedOfAdapter())) yield return one;
            if (!Packing)
                yield return new(nameof(AttendAcrossConversations), "if Packing is false, so that a window has one conversation",
                    "set Packing to true");
            foreach (UnusedOption one in base.Unused(asksForGpu)) yield return one;
        }

        private void CheckModel()
        {
            NotBlank(ModelPath, nameof(ModelPath));
            if (ModelPath is null == Model is null)
                throw new ArgumentException("Set exactly one of ModelPath, a folder, and Model, a loaded model.", nameof(ModelPath));
            if (Scheme is null) return;
            Arithmetic arithmetic = Arithmetic ?? Scheme.DefaultArithmetic;
            Scheme.CheckName();
            Scheme.CheckParameters(arithmetic);
            LayerStack.Check(Scheme, BackwardMode ?? Scheme.DefaultBackwardMode(arithmetic), arithmetic);
        }

        private void CheckAdapter()
        {
            Defined(BasePrecision, nameof(BasePrecision));
            if (LoraAlpha is { } alpha) Positive(alpha, nameof(LoraAlpha));
            if (LoraRank is { } rank) AtLeast(1, rank, nameof(LoraRank));
            Require(LoraDropout is >= 0 and < 1, nameof(LoraDropout), LoraDropout, "within [0, 1)");
            ArgumentNullException.ThrowIfNull(LoraTargets);
            try
            {
                _ = Models.LoraTargets.Parse(LoraTargets);
            }
            catch (ArgumentException e)
            {
                throw new ArgumentException(
                    $"LoraTargets cannot be '{LoraTargets}'. {ConversationRows.WithoutParameter(e)}", nameof(LoraTargets), e);
            }
        }

        private protected virtual void CheckColumns()
        {
            Named(RolesColumnName, nameof(RolesColumnName));
            Named(TextsColumnName, nameof(TextsColumnName));
            string[] options = [nameof(PromptColumnName), nameof(ResponseColumnName), nameof(SystemColumnName)];
            foreach (var (name, option) in new[] { PromptColumnName, ResponseColumnName, SystemColumnName }.Zip(options))
                if (name is not null) Named(name, option);
            if (PromptColumnName is null != ResponseColumnName is null)
                throw new ArgumentException(
                    "PromptColumnName and ResponseColumnName must be set together.",
                    PromptColumnName is null ? nameof(PromptColumnName) : nameof(ResponseColumnName));
            IReadOnlyList<string> columns = Columns.Names;
            if (columns.Distinct().Count() < columns.Count)
                throw new ArgumentException($"The columns of a conversation must be different, not {string.Join(", ", columns)}.");
        }

        private IEnumerable<UnusedOption> UnusedOfAdapter()
        {
            if (LoraRank is null)
            {
                string[] options =
                [
                    nameof(LoraAlpha), nameof(LoraRankStabilized), nameof(LoraTargets), nameof(LoraDropout),
                    nameof(TrainEmbedding), nameof(TrainHead), nameof(BasePrecision),
                ];
                foreach (string option in options)
                    yield return new(option, "without a LoraRank, since there is no adapter", "set LoraRank");
                yield break;
            }
            foreach (string option in new[] { nameof(FreezeEmbedding), nameof(FrozenLayerCount) })
                yield return new(option, "with a LoraRank, since the model below an adapter is frozen", "leave out LoraRank");
            if (Model is not null)
                yield return new(nameof(BasePrecision), "if Model is a loaded model, which has its own number type",
                    "set ModelPath to its folder");
        }

        private protected virtual IEnumerable<UnusedOption> UnusedOfColumns()
        {
            if (!HasPrompts)
                yield return new(nameof(SystemColumnName), "without a PromptColumnName", "set PromptColumnName and ResponseColumnName");
            else
                foreach (string option in new[] { nameof(RolesColumnName), nameof(TextsColumnName) })
                    yield return new(option, "if PromptColumnName is set, so that it is not read", "leave out PromptColumnName");
        }
    }
}
