namespace Microsoft.ML.Reversible;

public sealed partial class ReversibleLmTrainer
{
    /// <summary>Everything that can be set of a <see cref="ReversibleLmTrainer"/>, with its defaults.</summary>
    public sealed partial class Options
    {
        /// <summary>
        /// The column to train on and later to score: text, or vectors of token ids (Int32 or UInt32), for which
        /// <see cref="VocabularySize"/> says how many ids there are.
        /// </summary>
        public string TextColumnName { get; set; } = "Text";

        /// <summary>The output column with the log-likelihood of a row's text, nats.</summary>
        public string LogLikelihoodColumnName { get; set; } = "LogLikelihood";

        /// <summary>The output column with the number of tokens of a row's text.</summary>
        public string TokenCountColumnName { get; set; } = "TokenCount";

        /// <summary>The output column with the perplexity of a row's text.</summary>
        public string PerplexityColumnName { get; set; } = "Perplexity";

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

        /// <summary>
        /// Ends the run with an <see cref="OperationCanceledException"/> before the next step. With a <see cref="CheckpointFolder"/> it
        /// leaves a checkpoint from which the run goes on.
        /// </summary>
        public CancellationToken CancellationToken { get; set; }

        internal Options Copy() => (Options)MemberwiseClone();
    }
}
