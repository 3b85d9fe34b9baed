namespace Microsoft.ML.Reversible;

public sealed partial class ReversibleLmTrainer
{
    public sealed partial class Options
    {
        /// <summary>
        /// A folder in Hugging Face's layout to start from. The model's shape and scheme are then the folder's, and so is the tokenizer
        /// unless one is given; options that say otherwise are refused, but for a <see cref="ContextLength"/> up to the model's own.
        /// Null starts from random weights.
        /// </summary>
        public string? PretrainedFolder { get; set; }

        /// <summary>The kind of transformer.</summary>
        public ModelFamily Family { get; set; } = ModelFamily.Gpt2;

        /// <summary>The recurrence over the layers.</summary>
        public Scheme Scheme { get; set; } = Scheme.Midpoint;

        /// <summary>
        /// How the backward pass comes by its activations; null takes <see cref="WayBack.Reversible"/> where the scheme is
        /// reversible and <see cref="WayBack.Stored"/> where it is not.
        /// </summary>
        public WayBack? WayBack { get; set; }

        /// <summary>
        /// The most layers, from the last, that keep their activations though the way back is <see cref="WayBack.Reversible"/>, at least 0;
        /// refused on another way back. Each saves the second evaluation of its block and costs the memory of one layer's activations, so
        /// that a batch for which there is memory left trains faster.
        /// </summary>
        public int KeptLayerCount { get; set; }

        /// <summary>
        /// The numbers that the streams between the layers are made of; null takes <see cref="Arithmetic.Exact"/> for BDIA, which needs it
        /// to run backwards, and <see cref="Arithmetic.Float"/> for the others.
        /// </summary>
        public Arithmetic? Arithmetic { get; set; }

        /// <summary>Number of blocks, at least 1.</summary>
        public int LayerCount { get; set; } = 6;

        /// <summary>Number of attention heads, at least 1; it divides <see cref="Width"/>.</summary>
        public int HeadCount { get; set; } = 6;

        /// <summary>
        /// Number of heads of keys and values in the Llama family, which groups of query heads share; it divides <see cref="HeadCount"/>.
        /// Null is one for each query head. Refused in the GPT-2 family.
        /// </summary>
        public int? KeyValueHeadCount { get; set; }

        /// <summary>Length of a stream's vectors, at least 1.</summary>
        public int Width { get; set; } = 192;

        /// <summary>
        /// Width of the hidden layer of a block's MLP, at least 1; null is four times <see cref="Width"/> in the GPT-2 family, and two
        /// thirds of that, rounded up to a multiple of 32, in the Llama family.
        /// </summary>
        public int? MlpWidth { get; set; }

        /// <summary>Tokens that a window holds, at least 1.</summary>
        public int ContextLength { get; set; } = 128;

        /// <summary>The function between the two layers of a block's MLP in the GPT-2 family; refused in the Llama family.</summary>
        public Activation Activation { get; set; } = Activation.Gelu;

        /// <summary>Whether the head shares the token embedding's matrix.</summary>
        public bool TiedHead { get; set; } = true;

        /// <summary>The number type in which the blocks compute; parameters and optimizer state are float32 in either case.</summary>
        public Precision Precision { get; set; } = Precision.Float32;

        /// <summary>
        /// Whether the same run gives the same bits every time on CUDA too, where the fastest kernels add up the gradients of attention in
        /// whatever order their parts come. Others take their place, which take about twice as long and want heads whose size is a multiple
        /// of 8. Refused on the CPU, which always does so.
        /// </summary>
        public bool Deterministic { get; set; }

        /// <summary>
        /// Whether the embedding keeps its weights, and with it a head that shares its matrix: for fine-tuning of a model that has them.
        /// </summary>
        public bool FreezeEmbedding { get; set; }

        /// <summary>
        /// How many blocks, from the first, keep their weights; within [0, the number of layers]. Where the embedding is frozen too, the
        /// backward pass ends above them.
        /// </summary>
        public int FrozenLayerCount { get; set; }

        internal WayBack EffectiveWayBack => WayBack ?? Scheme.DefaultWayBack(EffectiveArithmetic);

        internal Arithmetic EffectiveArithmetic => Arithmetic ?? Scheme.DefaultArithmetic;

        /// <summary>The shape that the options describe.</summary>
        internal LanguageModelConfiguration ConfigurationFor(int vocabularySize) => Family switch
        {
            ModelFamily.Llama => new LlamaConfiguration
            {
                VocabularySize = vocabularySize,
                ContextLength = ContextLength,
                LayerCount = LayerCount,
                HeadCount = HeadCount,
                KeyValueHeadCount = KeyValueHeadCount,
                Width = Width,
                MlpWidth = MlpWidth,
                TiedHead = TiedHead,
            },
            _ => new GptConfiguration
            {
                VocabularySize = vocabularySize,
                ContextLength = ContextLength,
                LayerCount = LayerCount,
                HeadCount = HeadCount,
                Width = Width,
                MlpWidth = MlpWidth,
                Activation = Activation,
                TiedHead = TiedHead,
            },
        };
    }
}
