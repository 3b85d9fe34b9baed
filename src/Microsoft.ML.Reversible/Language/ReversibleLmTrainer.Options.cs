using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Training;
using static Microsoft.ML.Reversible.Training.OptionChecks;

namespace Microsoft.ML.Reversible;

public sealed partial class ReversibleLmTrainer
{
    /// <summary>The options of a <see cref="ReversibleLmTrainer"/>, with their defaults.</summary>
    public sealed class Options : LanguageTrainingOptions
    {
        private const string OfTheModel = "the entry Model has the shape, including derived values and a folder's";
        private const int DefaultHeadCount = 6;
        private const string WhereItIsLearned = "the trainer adds it if a tokenizer is learned";

        /// <summary>
        /// A folder in Hugging Face's layout to start from. The model's shape and scheme are then the folder's, and so is the tokenizer
        /// unless one is given. Options that set them are refused, except a <see cref="LanguageTrainingOptions.ContextLength"/> up to the
        /// model's own. Null starts from random weights.
        /// </summary>
        [NotInFingerprint("the entry Weights says whether it is set; a checkpoint replaces it")]
        public string? PretrainedFolder { get; set; }

        /// <summary>The kind of transformer.</summary>
        [NotInFingerprint(OfTheModel)]
        public ModelFamily Family { get; set; } = ModelFamily.Gpt2;

        /// <summary>The recurrence over the layers.</summary>
        [NotInFingerprint("the task's entry of this name has the model's, also if it comes from a folder")]
        public Scheme Scheme { get; set; } = Scheme.Midpoint;

        /// <summary>Number of blocks, at least 1.</summary>
        [NotInFingerprint(OfTheModel)]
        public int LayerCount { get; set; } = 6;

        /// <summary>
        /// Number of attention heads, at least 1; it divides <see cref="Width"/>. Null is the largest number up to 6 that does, and that
        /// <see cref="KeyValueHeadCount"/> divides.
        /// </summary>
        [NotInFingerprint(OfTheModel)]
        public int? HeadCount { get; set; }

        /// <summary>
        /// Number of key/value heads, each shared by a group of query heads; it divides <see cref="HeadCount"/>. Null is one for each query
        /// head. Refused in the GPT-2 family.
        /// </summary>
        [NotInFingerprint(OfTheModel)]
        public int? KeyValueHeadCount { get; set; }

        /// <summary>Width of the hidden states, at least 1.</summary>
        [NotInFingerprint(OfTheModel)]
        public int Width { get; set; } = 192;

        /// <summary>
        /// Width of the hidden layer of a block's MLP, at least 1; null is four times <see cref="Width"/> in the GPT-2 family, and two
        /// thirds of that, rounded up to a multiple of 32, in the others.
        /// </summary>
        [NotInFingerprint(OfTheModel)]
        public int? MlpWidth { get; set; }

        /// <summary>The activation function of a block's MLP in the GPT-2 family; refused in the others.</summary>
        [NotInFingerprint(OfTheModel)]
        public Activation Activation { get; set; } = Activation.Gelu;

        /// <summary>Whether the head shares the token embedding's matrix.</summary>
        [NotInFingerprint(OfTheModel)]
        public bool TiedHead { get; set; } = true;

        /// <summary>
        /// The kind of tokenizer that is learned from the column. Refused if a tokenizer or a <see cref="PretrainedFolder"/> is given, and
        /// by <see cref="Fit"/> for a column of token ids.
        /// </summary>
        [NotInFingerprint(WhereItIsLearned)]
        public TextTokenization Tokenization { get; set; } = TextTokenization.Bpe;

        /// <summary>
        /// Number of tokens that <see cref="TextTokenization.Bpe"/> learns, including end-of-text, at least 257; for a column of token ids,
        /// the number of ids, at least 1. Refused if another <see cref="Tokenization"/>, a tokenizer or a <see cref="PretrainedFolder"/>
        /// decides it. <see cref="Fit"/> checks the range, since it depends on the column's type.
        /// </summary>
        [NotInFingerprint(WhereItIsLearned)]
        public int VocabularySize { get; set; } = 2048;

        /// <summary>
        /// The part of the target's probability that is spread over the whole vocabulary in training, within [0, 1). The reported training
        /// loss includes it; the validation loss does not.
        /// </summary>
        public double LabelSmoothing { get; set; }

        internal override string? StartOption => nameof(PretrainedFolder);

        internal override Scheme? NamedScheme => PretrainedFolder is null ? Scheme : null;

        /// <summary>The number of heads; without a possible one, a number that the check of the shape refuses.</summary>
        internal int EffectiveHeadCount
        {
            get
            {
                if (HeadCount is { } count) return count;
                int keyValueHeads = Math.Max(1, KeyValueHeadCount ?? 1), multiple = ModelFamilyRow.Of(Family).HeadWidthMultiple;
                for (int heads = Math.Max(DefaultHeadCount, keyValueHeads); heads > 0; heads--)
                    if (Width % heads == 0 && Width / heads % multiple == 0 && heads % keyValueHeads == 0) return heads;
                return DefaultHeadCount;
            }
        }

        /// <summary>Checks the options that depend on the column's type.</summary>
        /// <param name="isText">Whether the column is text, not token ids.</param>
        /// <exception cref="ArgumentException">An option was set that has no effect for such a column.</exception>
        /// <exception cref="ArgumentOutOfRangeException">VocabularySize is too small for BPE, which has a token for each byte.</exception>
        internal void CheckColumn(bool isText)
        {
            UnusedOption.RefuseChanged(this, new(), Unused(asksForGpu: true, isText));
            bool learns = isText && Tokenizer is null && TokenizerPath is null && PretrainedFolder is null;
            if (learns && Tokenization == TextTokenization.Bpe) AtLeast(257, VocabularySize, nameof(VocabularySize));
        }

        internal override void CheckRanges()
        {
            ArgumentNullException.ThrowIfNull(Scheme);
            base.CheckRanges();
            Defined(Family, nameof(Family));
            Defined(Activation, nameof(Activation));
            Defined(Tokenization, nameof(Tokenization));
            AtLeast(1, VocabularySize, nameof(VocabularySize));
            Require(LabelSmoothing is >= 0 and < 1, nameof(LabelSmoothing), LabelSmoothing, "within [0, 1)");
            NotBlank(PretrainedFolder, nameof(PretrainedFolder));
            if (PretrainedFolder is not null) return;

            Scheme.CheckName();
            Scheme.CheckParameters(EffectiveArithmetic!.Value);
            if (CheckpointFolder is not null) Scheme.CheckText();
            LayerStack.Check(Scheme, EffectiveBackwardMode!.Value, EffectiveArithmetic.Value);
            int functions = LayerCount * Scheme.FunctionsPerBlock;
            Require(KeptLayerCount <= functions, nameof(KeptLayerCount), KeptLayerCount, $"within [0, {functions}], the model's functions");
            ConfigurationFor(vocabularySize: 1).Check();
        }

        internal override IEnumerable<UnusedOption> Unused(bool asksForGpu) => Unused(asksForGpu, isText: null);

        /// <summary>Lists the options that have no effect given the others.</summary>
        /// <param name="asksForGpu">Whether the options or the context ask for a GPU.</param>
        /// <param name="isText">Whether the column is text, not token ids; null if not known yet.</param>
        internal IEnumerable<UnusedOption> Unused(bool asksForGpu, bool? isText) =>
            [.. UnusedOfModel(), .. UnusedOfTokenizer(isText), .. base.Unused(asksForGpu)];

        /// <summary>Returns the shape that the options describe.</summary>
        internal LanguageModelConfiguration ConfigurationFor(int vocabularySize) => ModelFamilyRow.Of(Family).Make(
            new(vocabularySize, ContextLength, LayerCount, EffectiveHeadCount, Width)
            {
                KeyValueHeadCount = KeyValueHeadCount,
                MlpWidth = MlpWidth,
                Activation = Activation,
                TiedHead = TiedHead,
            });

        /// <summary>Lists the options that a family does not have.</summary>
        internal static IEnumerable<UnusedOption> UnusedOfFamily(ModelFamily family)
        {
            ModelFamilyRow row = ModelFamilyRow.Of(family);
            foreach ((string option, ModelFamily has) in row.MissingOptions())
                yield return new(
                    option, $"in the {row.Title} family, only in {ModelFamilyRow.With(option)}", $"set Family to {has}");
        }

        /// <summary>
        /// Returns the entries of the fingerprint besides the options that are known before the data is read. The model of a folder adds
        /// its own when it is loaded.
        /// </summary>
        /// <param name="isText">Whether the column is text, not token ids.</param>
        internal IEnumerable<FingerprintEntry> KnownFingerprint(bool isText)
        {
            yield return new("Weights", PretrainedFolder is null ? "new" : "from a PretrainedFolder");
            if (PretrainedFolder is not null) yield break;
            yield return new("Model", LanguageTask.Describe(ConfigurationFor(vocabularySize: 1)));
            yield return new("Scheme", Scheme.ToString());
            yield return new("Arithmetic", EffectiveArithmetic!.Value.ToString());
            // A resumed run may take its tokenizer from files although the earlier part learned it. Then only the tokenizers' hashes are
            // compared.
            bool learns = Tokenizer is null && TokenizerPath is null, hasSize = !isText || Tokenization == TextTokenization.Bpe;
            yield return new(nameof(Tokenization), learns && isText ? Tokenization.ToString() : null, OnlyIfBoth: true);
            yield return new(nameof(VocabularySize), learns && hasSize ? Fingerprint.Text(VocabularySize) : null, OnlyIfBoth: true);
        }

        private IEnumerable<UnusedOption> UnusedOfModel()
        {
            if (PretrainedFolder is not null)
            {
                string[] ofTheFolder =
                [
                    nameof(Family), nameof(Scheme), nameof(LayerCount), nameof(HeadCount), nameof(KeyValueHeadCount), nameof(Width),
                    nameof(MlpWidth), nameof(Activation), nameof(TiedHead), nameof(Tokenization), nameof(VocabularySize),
                ];
                foreach (string option in ofTheFolder)
                    yield return new(option, "if PretrainedFolder is set: the folder has it",
                        "leave out PretrainedFolder to train a new model");
            }
            else
            {
                foreach (UnusedOption unused in UnusedOfFamily(Family)) yield return unused;
            }
        }

        private IEnumerable<UnusedOption> UnusedOfTokenizer(bool? isText)
        {
            if (PretrainedFolder is not null) yield break;
            if (Tokenizer is not null || TokenizerPath is not null)
            {
                string given = Tokenizer is not null ? nameof(Tokenizer) : nameof(TokenizerPath);
                string where = $"if {given} is set, so that no tokenizer is learned", remedy = $"leave out {given}";
                yield return new(nameof(Tokenization), where, remedy);
                yield return new(nameof(VocabularySize), where, remedy);
            }
            else if (isText == false)
                yield return new(nameof(Tokenization), "for a column of token ids, which needs no tokenizer", "train on a column of text");
            else if (isText == true && Tokenization != TextTokenization.Bpe)
                yield return new(nameof(VocabularySize), $"if Tokenization is {Tokenization}, which finds its own number of tokens",
                    "set Tokenization to Bpe");
        }
    }
}
