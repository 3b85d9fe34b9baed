namespace Microsoft.ML.Reversible;

public sealed partial class ReversibleLmTrainer
{
    public sealed partial class Options
    {
        /// <summary>Steps between evaluations on the held-out part, at least 1; refused where nothing is held out.</summary>
        public int EvaluationInterval { get; set; } = 250;

        /// <summary>
        /// Batches that an evaluation during the run takes at most, at least 1; the last one takes the whole held-out part. Refused where
        /// nothing is held out.
        /// </summary>
        public int EvaluationBatches { get; set; } = 20;

        /// <summary>
        /// Evaluations without a lower validation loss than the lowest before, after which the run ends early; at least 0, 0 never ends it.
        /// In a retrofit the held-out divergence from the teacher stands for the loss, here and in <see cref="ReturnBest"/>.
        /// </summary>
        public int EarlyStoppingPatience { get; set; }

        /// <summary>
        /// Whether the result has the weights of the evaluation with the lowest loss instead of the last step's. Needs a
        /// <see cref="CheckpointFolder"/> and held-out data.
        /// </summary>
        public bool ReturnBest { get; set; }

        /// <summary>Steps between reports of progress, at least 1.</summary>
        public int ReportInterval { get; set; } = 10;

        /// <summary>
        /// A file to which reports are added as lines of JSON: step, tokens, loss, learning_rate, grad_norm, tokens_per_s, host_memory_gib,
        /// on a GPU device_memory_gib, and after an evaluation validation_loss, bits_per_byte and perplexity. Null writes none.
        /// </summary>
        public string? MetricsPath { get; set; }

        /// <summary>
        /// The folder in which the run leaves checkpoints: everything from which it goes on to the bit after any end, also of its process.
        /// Each is a Hugging Face folder too, which <c>LoadPretrained</c> reads. Null leaves none.
        /// </summary>
        public string? CheckpointFolder { get; set; }

        /// <summary>
        /// Steps between checkpoints, at least 1; each new best evaluation, the last step and a cancelled run leave one too. Refused
        /// without a <see cref="CheckpointFolder"/>, as is what else there is about checkpoints.
        /// </summary>
        public int CheckpointInterval { get; set; } = 250;

        /// <summary>How many of the latest checkpoints are kept, at least 1; that of the best evaluation is kept besides.</summary>
        public int CheckpointsKept { get; set; } = 2;

        /// <summary>What to do about checkpoints that stand in the folder already.</summary>
        public ResumeMode Resume { get; set; } = ResumeMode.IfPresent;

        /// <summary>What to do where the last of them is damaged.</summary>
        public DamagedCheckpoint DamagedCheckpoint { get; set; } = DamagedCheckpoint.Refuse;
    }
}
