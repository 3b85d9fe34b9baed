using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Evaluation;
using Microsoft.ML.Reversible.MLNet;

namespace Microsoft.ML.Reversible;

/// <summary>The <see cref="IEstimator{TTransformer}"/> for evaluating a language model on a zero-shot task.</summary>
/// <remarks>
/// <format type="text/markdown"><![CDATA[
/// To create this estimator, use `mlContext.Reversible().ZeroShot(model, task)`, or `mlContext.Reversible().ZeroShot(task)` directly after
/// the trainer in a chain. Fit does not train. The transformer scores every choice as lm-evaluation-harness does, and its `Evaluate`
/// returns the numbers that papers report.
///
/// ### Input and output columns
/// The input columns are the task's. The output columns depend on its kind:
///
/// | Output column name | Multiple choice, multiple input | Last word | Rolling log-likelihood |
/// | -- | -- | -- | -- |
/// | `Score` | Vector of Single: the log-likelihood of each choice, nats | Single: of the word | Single: of the text |
/// | `ScoreNormalized` | Vector of Single: the log-likelihood of each choice divided by its characters | | |
/// | `PredictedLabel` | Int32: the index of the largest score | Boolean: whether greedy decoding generates the word | |
/// | `PredictedLabelNormalized` | Int32: the index of the largest normalized score | | |
///
/// A vector has one slot for each choice of the row. If the task names its choices (`ChoiceNames`), the vectors have that size and slot
/// names.
/// ]]></format>
/// </remarks>
public sealed class ZeroShotEvaluator : IEstimator<ZeroShotTransformer>
{
    private readonly MLContext _context;
    private readonly ILogLikelihoodSource? _source;
    private readonly ZeroShotTask _task;
    private readonly Options _options;

    /// <param name="context">The context.</param>
    /// <param name="source">The model; null for the model's transformer before it in the chain.</param>
    /// <param name="task">The task.</param>
    /// <param name="options">The options.</param>
    internal ZeroShotEvaluator(MLContext context, ILogLikelihoodSource? source, ZeroShotTask task, Options options)
    {
        ArgumentNullException.ThrowIfNull(task);
        ArgumentNullException.ThrowIfNull(options);
        _context = context;
        _source = source;
        _task = task;
        _options = options.Copy();
        _options.Check();
        _options.RefuseUnused(task, isOwnSource: source is not null and not ReversibleLmTransformer);
    }

    /// <summary>Creates the transformer. No row is read.</summary>
    /// <param name="input">Data with the task's columns.</param>
    /// <returns>The transformer. It does not own the model.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A column of the task is missing or of another type.</exception>
    /// <exception cref="InvalidOperationException">
    /// The evaluator was created without a model, and the data does not come from a model's transformer.
    /// </exception>
    public ZeroShotTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        foreach (ZeroShotColumn column in _task.Columns) column.Find(input.Schema);
        return new ZeroShotTransformer(_context, _source ?? MakerOf(input), _task, _options, ownsSource: false);
    }

    /// <inheritdoc/>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        foreach (ZeroShotColumn column in _task.Columns) column.Check(inputSchema);
        AddedColumns<ZeroShotScore> added = ZeroShotColumns.From(_options).Added(
            _task, _ => throw new InvalidOperationException("A schema has no rows to evaluate."));
        return inputSchema.With(added.ToSchema());
    }

    /// <summary>Finds the last model in the chain of transformers that produced the data; other evaluators may follow it.</summary>
    private static ReversibleLmTransformer MakerOf(IDataView input)
    {
        for (IDataView? view = input; view is ITransformedView made; view = made.Input)
            if (made.Maker is ReversibleLmTransformer model) return model;
        throw new InvalidOperationException(
            "ZeroShot(task) uses the model directly before it in the chain, but there is none. Append it to the trainer, or " +
            "use ZeroShot(model, task).");
    }

    /// <summary>Options of <see cref="ZeroShotEvaluator"/>.</summary>
    public sealed class Options
    {
        /// <summary>The column with the log-likelihood of each choice.</summary>
        public string ScoreColumnName { get; set; } = "Score";

        /// <summary>
        /// The column with the log-likelihood of each choice divided by its characters. It may not be set for a task without choices.
        /// </summary>
        public string ScoreNormalizedColumnName { get; set; } = "ScoreNormalized";

        /// <summary>
        /// The column with the index of the most likely choice. It may not be set for a task of rolling log-likelihoods.
        /// </summary>
        public string PredictedLabelColumnName { get; set; } = "PredictedLabel";

        /// <summary>
        /// The column with the index of the choice that is most likely for its length. It may not be set for a task without choices.
        /// </summary>
        public string PredictedLabelNormalizedColumnName { get; set; } = "PredictedLabelNormalized";

        /// <summary>
        /// The maximum number of tokens in a batch, including padding, at least 1; null chooses by the model's device. A longer context is
        /// not cut, but is a batch by itself. It may not be set for a custom <see cref="ILogLikelihoodSource"/>, which makes its own
        /// batches.
        /// </summary>
        public int? BatchTokens { get; set; }

        /// <summary>
        /// A file to which <see cref="ZeroShotTransformer.Evaluate"/> writes the items, one line of JSON each; null for none. It appears
        /// only when the evaluation is complete.
        /// </summary>
        /// <remarks>
        /// The fields: <c>doc_id</c>, the row number from 0, <c>contexts</c>, <c>continuations</c> without the space before them,
        /// <c>log_likelihoods</c>, <c>is_greedy</c>, <c>token_counts</c>, <c>lengths</c> in characters, <c>byte_lengths</c>, <c>gold</c>,
        /// <c>prediction</c>, <c>prediction_norm</c> and <c>prediction_bytes</c>, the last four for tasks with choices.
        /// </remarks>
        public string? ItemLogPath { get; set; }

        /// <summary>Receives the progress of <see cref="ZeroShotTransformer.Evaluate"/> after every batch.</summary>
        public IProgress<ZeroShotProgress>? Progress { get; set; }

        /// <summary>Cancels evaluating and scoring between two batches.</summary>
        public CancellationToken CancellationToken { get; set; }

        internal Options Copy() => (Options)MemberwiseClone();

        /// <exception cref="ArgumentException">A name is missing or used twice.</exception>
        /// <exception cref="ArgumentOutOfRangeException"><see cref="BatchTokens"/> is below 1.</exception>
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

        /// <summary>Refuses options that have no effect.</summary>
        /// <param name="task">The task.</param>
        /// <param name="isOwnSource">Whether the source is a custom one and not a model of this library.</param>
        /// <exception cref="ArgumentException">An option is set that has no effect for the task or the source.</exception>
        internal void RefuseUnused(ZeroShotTask task, bool isOwnSource)
        {
            var defaults = new Options();
            string noColumn = $"for the task '{task.Name}', which has no such column", otherTask = "use a task with choices";
            if (task.Kind is ZeroShotKind.LastWord or ZeroShotKind.RollingLogLikelihood)
            {
                bool isSet = ScoreNormalizedColumnName != defaults.ScoreNormalizedColumnName;
                Refuse(nameof(ScoreNormalizedColumnName), isSet, noColumn, otherTask);
                isSet = PredictedLabelNormalizedColumnName != defaults.PredictedLabelNormalizedColumnName;
                Refuse(nameof(PredictedLabelNormalizedColumnName), isSet, noColumn, otherTask);
            }
            if (task.Kind == ZeroShotKind.RollingLogLikelihood)
            {
                bool isSet = PredictedLabelColumnName != defaults.PredictedLabelColumnName;
                Refuse(nameof(PredictedLabelColumnName), isSet, noColumn, otherTask);
            }
            if (isOwnSource)
            {
                const string OwnBatches = "for a custom log-likelihood source, which makes its own batches";
                Refuse(nameof(BatchTokens), BatchTokens is not null, OwnBatches, "evaluate a model of this library");
            }
        }

        private static void Refuse(string option, bool isSet, string where, string remedy)
        {
            if (isSet) throw new ArgumentException($"{option} has no effect {where}. Leave it out, or {remedy}.", option);
        }
    }
}

/// <summary>The progress of an evaluation.</summary>
/// <param name="Task">The task's name.</param>
/// <param name="Items">The items scored so far.</param>
/// <param name="ItemCount">The number of all items; null if the data does not know its number of rows.</param>
/// <param name="Elapsed">The time since the start of the evaluation.</param>
public readonly record struct ZeroShotProgress(string Task, long Items, long? ItemCount, TimeSpan Elapsed);
