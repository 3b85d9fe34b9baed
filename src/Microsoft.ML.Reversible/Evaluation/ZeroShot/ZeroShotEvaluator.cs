using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Evaluation;
using Microsoft.ML.Reversible.Views;

namespace Microsoft.ML.Reversible;

/// <summary>The <see cref="IEstimator{TTransformer}"/> that has a language model answer the questions of a zero-shot task.</summary>
/// <remarks>
/// <format type="text/markdown"><![CDATA[
/// To create this estimator, use `mlContext.Reversible().ZeroShot(model, task)`, or `mlContext.Reversible().ZeroShot(task)` right behind
/// the trainer in a chain. Fitting learns nothing. The transformer scores every choice as lm-evaluation-harness does, and its `Evaluate`
/// gives the numbers that papers report.
///
/// ### Input and output columns
/// The input columns are the task's. The output columns depend on its kind:
///
/// | Output column name | Multiple choice, multiple input | Last word | Rolling log-likelihood |
/// | -- | -- | -- | -- |
/// | `Score` | Vector of Single: the log-likelihood of each choice, nats | Single: that of the word | Single: that of the text |
/// | `ScoreNormalized` | Vector of Single: the same divided by the characters of the choice | | |
/// | `PredictedLabel` | Int32: the index of the largest score | Boolean: whether greedy decoding writes the word | |
/// | `PredictedLabelNormalized` | Int32: the index of the largest normalized score | | |
///
/// The vectors are as long as the row has choices. Where the task names its choices (`ChoiceNames`) they are of that size, with slot names.
/// ]]></format>
/// </remarks>
public sealed partial class ZeroShotEvaluator : IEstimator<ZeroShotTransformer>
{
    private readonly MLContext _context;
    private readonly ILogLikelihoodSource? _source;
    private readonly ZeroShotTask _task;
    private readonly Options _options;

    /// <param name="context">The context.</param>
    /// <param name="source">The model; null for the one that made the data.</param>
    /// <param name="task">The task.</param>
    /// <param name="options">How it is scored.</param>
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

    /// <summary>Makes the transformer; no row is read.</summary>
    /// <param name="input">Data with the task's columns.</param>
    /// <returns>The transformer. The model stays its owner's to dispose of.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A column of the task is missing or of another type.</exception>
    /// <exception cref="InvalidOperationException">
    /// The evaluator was made without a model, and the data does not come from one.
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
            _task, _ => throw new InvalidOperationException("A schema alone scores nothing."));
        return inputSchema.With(added.ToSchema());
    }

    /// <summary>The model that the data has come through last; other evaluators may stand between.</summary>
    private static ReversibleLmTransformer MakerOf(IDataView input)
    {
        for (IDataView? view = input; view is ITransformedView made; view = made.Input)
            if (made.Maker is ReversibleLmTransformer model) return model;
        throw new InvalidOperationException(
            "ZeroShot(task) takes the model that stands right before it in the chain, and there is none. Append it to the trainer, or " +
            "give it a model: ZeroShot(model, task).");
    }
}
