using Microsoft.ML.Reversible.Training;

namespace Microsoft.ML.Reversible;

public sealed partial class ZeroShotEvaluator
{
    /// <summary>How a task is scored.</summary>
    public sealed class Options
    {
        /// <summary>The column with the log-likelihood of each choice.</summary>
        public string ScoreColumnName { get; set; } = "Score";

        /// <summary>
        /// The column with the log-likelihood of each choice for each of its characters; refused for a task without choices.
        /// </summary>
        public string ScoreNormalizedColumnName { get; set; } = "ScoreNormalized";

        /// <summary>The column with the index of the most likely choice; refused for a task of rolling log-likelihoods.</summary>
        public string PredictedLabelColumnName { get; set; } = "PredictedLabel";

        /// <summary>
        /// The column with the index of the choice that is most likely for its length; refused for a task without choices.
        /// </summary>
        public string PredictedLabelNormalizedColumnName { get; set; } = "PredictedLabelNormalized";

        /// <summary>
        /// The most tokens that are computed together, padding included, at least 1; null for what suits the model's device. A context is
        /// never cut: one that is longer is computed by itself. For a source of one's own, which makes its own batches, it is refused.
        /// </summary>
        public int? BatchTokens { get; set; }

        /// <summary>
        /// A file that <see cref="ZeroShotTransformer.Evaluate"/> writes its items to, as lines of JSON; null for none. It is written
        /// aside and put in place when the evaluation is done.
        /// </summary>
        /// <remarks>
        /// The fields: <c>doc_id</c>, the row counted from 0, <c>contexts</c>, <c>continuations</c> without the space in front,
        /// <c>log_likelihoods</c>, <c>is_greedy</c>, <c>token_counts</c>, <c>lengths</c> in characters, <c>byte_lengths</c>, <c>gold</c>,
        /// <c>prediction</c>, <c>prediction_norm</c> and <c>prediction_bytes</c>, the last four where there is something to choose.
        /// </remarks>
        public string? ItemLogPath { get; set; }

        /// <summary>Is told where <see cref="ZeroShotTransformer.Evaluate"/> stands, after every batch.</summary>
        public IProgress<ZeroShotProgress>? Progress { get; set; }

        /// <summary>Ends evaluating and scoring between two batches.</summary>
        public CancellationToken CancellationToken { get; set; }

        internal Options Copy() => (Options)MemberwiseClone();

        /// <exception cref="ArgumentException">A name is missing or there twice.</exception>
        /// <exception cref="ArgumentOutOfRangeException">The tokens are below 1.</exception>
        internal void Check()
        {
            string[] names =
                [ScoreColumnName, ScoreNormalizedColumnName, PredictedLabelColumnName, PredictedLabelNormalizedColumnName];
            ArgumentException.ThrowIfNullOrWhiteSpace(ScoreColumnName);
            ArgumentException.ThrowIfNullOrWhiteSpace(ScoreNormalizedColumnName);
            ArgumentException.ThrowIfNullOrWhiteSpace(PredictedLabelColumnName);
            ArgumentException.ThrowIfNullOrWhiteSpace(PredictedLabelNormalizedColumnName);
            if (names.Distinct().Count() < names.Length)
                throw new ArgumentException($"The output columns must have different names, not {string.Join(", ", names)}.");
            if (BatchTokens is < 1)
                throw new ArgumentOutOfRangeException(nameof(BatchTokens), BatchTokens, "BatchTokens must be at least 1.");
            if (ItemLogPath is not null) ArgumentException.ThrowIfNullOrWhiteSpace(ItemLogPath);
        }

        /// <param name="task">The task.</param>
        /// <param name="isOwnSource">Whether the model is a log-likelihood source of the caller's own.</param>
        /// <exception cref="ArgumentException">An option was set that has no effect for them.</exception>
        internal void RefuseUnused(ZeroShotTask task, bool isOwnSource) =>
            UnusedOption.RefuseChanged(this, new(), Unused(task, isOwnSource));

        private static IEnumerable<UnusedOption> Unused(ZeroShotTask task, bool isOwnSource)
        {
            bool choices = task.Kind is ZeroShotKind.MultipleChoice or ZeroShotKind.MultipleInput;
            string where = $"for the task '{task.Name}', which has no such column", remedy = "take a task with choices";
            if (!choices)
            {
                yield return new(nameof(ScoreNormalizedColumnName), where, remedy);
                yield return new(nameof(PredictedLabelNormalizedColumnName), where, remedy);
            }
            if (task.Kind == ZeroShotKind.RollingLogLikelihood) yield return new(nameof(PredictedLabelColumnName), where, remedy);
            if (isOwnSource)
                yield return new(nameof(BatchTokens), "for a log-likelihood source of your own, which makes its own batches",
                    "score a model of this library");
        }
    }
}
