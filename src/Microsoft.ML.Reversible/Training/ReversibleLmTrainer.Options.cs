namespace Microsoft.ML.Reversible;

public sealed partial class ReversibleLmTrainer
{
    /// <summary>Everything that can be set of a <see cref="ReversibleLmTrainer"/>, with its defaults.</summary>
    public sealed class Options
    {
        /// <summary>The text column to train on and later to score.</summary>
        public string TextColumnName { get; set; } = "Text";

        /// <summary>The output column with the log-likelihood of a row's text, nats.</summary>
        public string LogLikelihoodColumnName { get; set; } = "LogLikelihood";

        /// <summary>The output column with the number of tokens of a row's text.</summary>
        public string TokenCountColumnName { get; set; } = "TokenCount";

        /// <summary>The output column with the perplexity of a row's text.</summary>
        public string PerplexityColumnName { get; set; } = "Perplexity";

        /// <summary>The recurrence over the layers.</summary>
        public Scheme Scheme { get; set; } = Scheme.Midpoint;

        /// <summary>
        /// How the backward pass comes by its activations; null takes <see cref="WayBack.Reversible"/> where the scheme is
        /// reversible and <see cref="WayBack.Stored"/> where it is not.
        /// </summary>
        public WayBack? WayBack { get; set; }

        /// <summary>
        /// The numbers that the streams between the layers are made of; null takes <see cref="Arithmetic.Exact"/> for BDIA, which needs it
        /// to run backwards, and <see cref="Arithmetic.Float"/> for the others.
        /// </summary>
        public Arithmetic? Arithmetic { get; set; }

        /// <summary>Number of blocks, at least 1.</summary>
        public int LayerCount { get; set; } = 6;

        /// <summary>Number of attention heads, at least 1; it divides <see cref="Width"/>.</summary>
        public int HeadCount { get; set; } = 6;

        /// <summary>Length of a stream's vectors, at least 1.</summary>
        public int Width { get; set; } = 192;

        /// <summary>Tokens that a window holds, at least 1.</summary>
        public int ContextLength { get; set; } = 128;

        /// <summary>The function between the two layers of a block's MLP.</summary>
        public Activation Activation { get; set; } = Activation.Gelu;

        /// <summary>What becomes a token.</summary>
        public TextTokenization Tokenization { get; set; } = TextTokenization.Bpe;

        /// <summary>
        /// Number of tokens that <see cref="TextTokenization.Bpe"/> learns, end-of-text included, at least 257; ignored by the
        /// other tokenizations, whose vocabulary follows from the text.
        /// </summary>
        public int VocabularySize { get; set; } = 2048;

        /// <summary>Windows in a batch, at least 1.</summary>
        public int BatchSize { get; set; } = 16;

        /// <summary>Batches whose gradients are added up before the optimizer steps, at least 1.</summary>
        public int GradientAccumulationSteps { get; set; } = 1;

        /// <summary>Optimizer steps, at least 1.</summary>
        public int MaxSteps { get; set; } = 1000;

        /// <summary>The learning rate after the warm-up, positive and finite.</summary>
        public double LearningRate { get; set; } = 1e-3;

        /// <summary>The learning rate at the last step, reached by half a cosine; within [0, <see cref="LearningRate"/>].</summary>
        public double FinalLearningRate { get; set; } = 1e-4;

        /// <summary>Steps over which the learning rate rises from nearly 0, within [0, <see cref="MaxSteps"/>].</summary>
        public int WarmupSteps { get; set; } = 100;

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

        /// <summary>The part of the tokens, from the end, that is held out for validation; within [0, 1), 0 holds out nothing.</summary>
        public double ValidationFraction { get; set; } = 0.1;

        /// <summary>Steps between evaluations on the held-out part, at least 1.</summary>
        public int EvaluationInterval { get; set; } = 250;

        /// <summary>
        /// Batches that an evaluation during the run takes at most, at least 1; the last one takes the whole held-out part.
        /// </summary>
        public int EvaluationBatches { get; set; } = 20;

        /// <summary>Steps between reports of progress, at least 1.</summary>
        public int ReportInterval { get; set; } = 10;

        /// <summary>The number type in which the blocks compute.</summary>
        public Precision Precision { get; set; } = Precision.Float32;

        /// <summary>
        /// <c>cpu</c>, <c>cuda</c> or <c>cuda:1</c>; null takes the MLContext's <see cref="MLContext.GpuDeviceId"/>, or the CPU where
        /// that is not set. Where the GPU is missing, <see cref="MLContext.FallbackToCpu"/> decides between the CPU and an exception.
        /// </summary>
        public string? Device { get; set; }

        /// <summary>
        /// Seeds the weights and the order of the data: with one seed, two runs on CPU agree to the bit. Null draws one from
        /// the MLContext, which repeats if that has a seed.
        /// </summary>
        public int? Seed { get; set; }

        /// <summary>Told of progress, on the thread that trains.</summary>
        public IProgress<TrainingProgress>? Progress { get; set; }

        /// <summary>Ends the run with an <see cref="OperationCanceledException"/> before the next step.</summary>
        public CancellationToken CancellationToken { get; set; }

        internal WayBack EffectiveWayBack => WayBack ?? Scheme.DefaultWayBack(EffectiveArithmetic);

        internal Arithmetic EffectiveArithmetic => Arithmetic ?? Scheme.DefaultArithmetic;

        internal Options Copy() => (Options)MemberwiseClone();
    }
}
