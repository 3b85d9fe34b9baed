using Microsoft.ML.Reversible.FineTuning;
using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Reversible.Training;

namespace Microsoft.ML.Reversible;

public sealed partial class FineTuneEstimator
{
    /// <summary>The options of a <see cref="FineTuneEstimator"/>, with their defaults.</summary>
    /// <remarks>
    /// The model's shape and tokenizer are those of the model to start from. Some training defaults differ from <see
    /// cref="ReversibleLmTrainer"/>'s: a context of 512 tokens, batches of 8, 500 steps with a warm-up of at most 50, a learning rate of
    /// 1e-5 or for an adapter 2e-4, and no weight decay.
    /// </remarks>
    public partial class Options : LanguageTrainingOptions
    {
        private const string OfTheData = "the data's hash is compared";
        private const string OfTheModel = "the task's entries Model, Scheme and Weights describe the model";

        /// <summary>Creates options with the defaults of fine-tuning.</summary>
        public Options()
        {
            (ContextLength, BatchSize, WeightDecay) = (512, 8, 0);
        }

        /// <summary>
        /// The folder of the model to start from, in Hugging Face's layout. Set either this or <see cref="Model"/>.
        /// </summary>
        [NotInFingerprint(OfTheModel)]
        public string? ModelPath { get; set; }

        /// <summary>The model to start from, already loaded. The caller keeps ownership, and the model is not changed.</summary>
        [NotInFingerprint(OfTheModel)]
        public ReversibleLmTransformer? Model { get; set; }

        /// <summary>
        /// The recurrence over the layers. Null is the model's own; another one converts the weights of a residual model, without changing
        /// them, as a retrofit does.
        /// </summary>
        [NotInFingerprint(OfTheModel)]
        public Scheme? Scheme { get; set; }

        /// <summary>How conversations become text; null is the format of the model's tokenizer files.</summary>
        [NotInFingerprint("the task's entry of this name has the format, also if it is detected")]
        public ChatFormat? ChatFormat { get; set; }

        /// <summary>
        /// The column of the turns' roles, vectors of text: system, user and assistant; human and gpt stand for the last two.
        /// </summary>
        [NotInFingerprint(OfTheData)]
        public string RolesColumnName { get; set; } = "Roles";

        /// <summary>The column of the turns' texts, vectors of text as long as those of <see cref="RolesColumnName"/>.</summary>
        [NotInFingerprint(OfTheData)]
        public string TextsColumnName { get; set; } = "Texts";

        /// <summary>
        /// The text column of the user's turn, for data with one question and one answer in a row. With it and <see
        /// cref="ResponseColumnName"/>, the columns of roles and texts are not read. Null is none.
        /// </summary>
        [NotInFingerprint(OfTheData)]
        public string? PromptColumnName { get; set; }

        /// <summary>The text column of the assistant's turn after <see cref="PromptColumnName"/>; null is none.</summary>
        [NotInFingerprint(OfTheData)]
        public string? ResponseColumnName { get; set; }

        /// <summary>
        /// The text column of the system turn before <see cref="PromptColumnName"/>; an empty text gives none. Null is no column.
        /// </summary>
        [NotInFingerprint(OfTheData)]
        public string? SystemColumnName { get; set; }

        /// <summary>The text of the system turn that is put before each conversation without one; null puts none.</summary>
        [NotInFingerprint(OfTheData)]
        public string? SystemPrompt { get; set; }

        /// <summary>
        /// The rank of a LoRA adapter, at least 1: only the adapter's small matrices are trained, and the model itself is frozen. Null
        /// trains the model's own weights.
        /// </summary>
        public int? LoraRank { get; set; }

        /// <summary>
        /// The numerator of the adapter's scale, positive and finite: the product of the adapter's matrices is multiplied by it over the
        /// rank. Null is twice the rank.
        /// </summary>
        public double? LoraAlpha { get; set; }

        /// <summary>Whether the adapter's scale is divided by the root of the rank (rsLoRA) instead of the rank.</summary>
        public bool LoraRankStabilized { get; set; }

        /// <summary>
        /// The matrices with an adapter: <c>all-linear</c> for all of the blocks, or names and regular expressions separated by commas, as
        /// in PEFT's target_modules.
        /// </summary>
        public string LoraTargets { get; set; } = Models.LoraTargets.AllLinear;

        /// <summary>
        /// The probability with which a number of an adapter's input is dropped in training, within [0, 1). Evaluation and generation drop
        /// nothing.
        /// </summary>
        public double LoraDropout { get; set; }

        /// <summary>
        /// Whether the embedding is trained beside an adapter, and with it a head that shares its matrix. Null is <see cref="TrainHead"/>
        /// for such a head if that is set; else it trains the embedding if tokens are added to the vocabulary.
        /// </summary>
        public bool? TrainEmbedding { get; set; }

        /// <summary>
        /// Whether the head is trained beside an adapter. If it shares the matrix of the embedding, both are trained or neither is: another
        /// value than that of <see cref="TrainEmbedding"/> is refused. Null is then the value of TrainEmbedding if that is set; else it
        /// trains the head if tokens are added to the vocabulary.
        /// </summary>
        public bool? TrainHead { get; set; }

        /// <summary>
        /// The number type in which the frozen weights of a model from a folder are kept below an adapter; bfloat16 takes half the memory.
        /// </summary>
        public Precision BasePrecision { get; set; } = Precision.Float32;

        /// <summary>
        /// Whether a window holds several conversations. Each one, in the order of the data, is put into the first window with room for it.
        /// Without packing, each has a window of its own, which is padded to the longest of its batch.
        /// </summary>
        public bool Packing { get; set; } = true;

        /// <summary>
        /// Whether the tokens of a packed conversation see those of the conversations before it in the window; positions then go on from
        /// one to the next. Refused without <see cref="Packing"/>.
        /// </summary>
        public bool AttendAcrossConversations { get; set; }

        /// <summary>
        /// Tokens that are added to the vocabulary if the tokenizer lacks them, in addition to those that the chat format needs. Their rows
        /// of the embedding and of the head begin at the mean of the others.
        /// </summary>
        [NotInFingerprint("the tokenizers' hashes are compared")]
        public IReadOnlyList<string>? AddedTokens { get; set; }

        /// <summary>
        /// The number of rows of the embedding is rounded up to a multiple of this if tokens are added and the model has no row for them;
        /// at least 1.
        /// </summary>
        [NotInFingerprint("the task's entry Vocabulary has the number")]
        public int VocabularyMultiple { get; set; } = 64;

        /// <summary>Receives the report on data and model before the first step, on the thread that calls Fit.</summary>
        [NotInFingerprint("it only listens")]
        public IProgress<FineTuneReport>? ReportProgress { get; set; }

        internal override int DefaultMaxSteps => 500;

        internal override double DefaultLearningRate => LoraRank is null ? 1e-5 : 2e-4;

        internal double? EffectiveLoraAlpha => LoraAlpha ?? 2 * LoraRank;

        /// <summary>Returns the settings of the adapter; null to train the model's own weights.</summary>
        /// <param name="addsTokens">Whether tokens are added to the vocabulary.</param>
        /// <param name="tiedHead">Whether the model's head shares the matrix of its embedding.</param>
        /// <exception cref="ArgumentException">A tied model's embedding and head are to be treated differently.</exception>
        internal LoraSettings? LoraFor(bool addsTokens, bool tiedHead)
        {
            if (LoraRank is not { } rank) return null;
            if (tiedHead && TrainEmbedding is { } one && TrainHead is { } other && one != other)
                throw new ArgumentException(
                    $"TrainEmbedding is {one} and TrainHead is {other}, but the model's head shares the matrix of its embedding. " +
                    "Set both to the same value, or leave one of them out.", nameof(TrainHead));
            return new(rank, EffectiveLoraAlpha!.Value, LoraRankStabilized, LoraTargets)
            {
                Dropout = LoraDropout, BaseName = ModelPath,
                TrainEmbedding = TrainEmbedding ?? (tiedHead ? TrainHead : null) ?? addsTokens,
                TrainHead = TrainHead ?? (tiedHead ? TrainEmbedding : null) ?? addsTokens,
            };
        }

        internal override string? StartOption => nameof(ModelPath);

        internal bool HasPrompts => PromptColumnName is not null;

        internal virtual ConversationColumns Columns => HasPrompts
            ? new(null, null, PromptColumnName, ResponseColumnName, SystemColumnName, SystemPrompt)
            : new(RolesColumnName, TextsColumnName, null, null, null, SystemPrompt);
    }
}
