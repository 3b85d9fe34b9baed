using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Evaluation;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.MLNet;

namespace Microsoft.ML.Reversible;

/// <summary>Scores the items of a zero-shot task with a language model, and computes the task's metrics.</summary>
/// <remarks>
/// Rows are scored lazily in batches, so rows after the current one may be scored in advance. A prediction engine scores one row at a time.
/// Scoring and evaluating are safe from several threads. The transformer uses its model but owns it only if it was loaded: disposing a
/// loaded transformer frees the model; disposing any other does nothing.
/// It cannot be converted to ONNX: <c>ml.Model.ConvertToOnnx</c> writes, without an error or a warning, a wrong ONNX model that takes the
/// columns of scores as inputs.
/// </remarks>
public sealed class ZeroShotTransformer : ITransformer, IModelClient, IDisposable
{
    private readonly MLContext _context;
    private readonly ILogLikelihoodSource _source;
    private readonly ZeroShotEvaluator.Options _options;
    private readonly bool _ownsSource;

    internal ZeroShotTransformer(
        MLContext context, ILogLikelihoodSource source, ZeroShotTask task, ZeroShotEvaluator.Options options, bool ownsSource)
    {
        _context = context;
        _source = source;
        Task = task;
        _options = options;
        _ownsSource = ownsSource;
    }

    /// <summary>The task.</summary>
    public ZeroShotTask Task { get; }

    /// <summary>Always true: each row is scored independently.</summary>
    public bool IsRowToRowMapper => true;

    /// <summary>The model.</summary>
    internal ILogLikelihoodSource Source => _source;

    /// <summary>The names of the added columns.</summary>
    internal ZeroShotColumns Columns => ZeroShotColumns.From(_options);

    private AddedColumns<ZeroShotScore> Added => Columns.Added(Task, Batched.StartAlone);

    private BatchedColumns<ZeroShotItem, ZeroShotScore> Batched
    {
        get
        {
            var evaluation = new ZeroShotEvaluation(_context, _source, Task, _options);
            return new(evaluation.StartReading, evaluation.Score, score => score.Size);
        }
    }

    /// <inheritdoc/>
    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return GetRowToRowMapper(inputSchema).OutputSchema;
    }

    /// <summary>Adds the score columns to data, lazily.</summary>
    /// <param name="input">Data with the task's columns.</param>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type.</exception>
    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        RequireColumns(input.Schema);
        return new BatchedColumnsView<ZeroShotItem, ZeroShotScore>(_context, input, Added, Batched, this);
    }

    /// <inheritdoc/>
    public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        RequireColumns(inputSchema);
        return new AddColumnsMapper<ZeroShotScore>(inputSchema, Added);
    }

    /// <summary>Scores data and computes the task's metrics.</summary>
    /// <param name="data">Data with the task's columns. It need not be transformed first.</param>
    /// <returns>The metrics of lm-evaluation-harness.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type.</exception>
    /// <exception cref="InvalidOperationException">There are no rows, or the model's logits are not finite.</exception>
    /// <exception cref="InvalidDataException">A row does not give a valid item; the message names it.</exception>
    /// <exception cref="ArgumentException">A row has a character that the model's vocabulary cannot represent.</exception>
    /// <exception cref="IOException">The item log cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">Writing the item log is not permitted.</exception>
    /// <exception cref="ObjectDisposedException">The model has been disposed of.</exception>
    /// <exception cref="OperationCanceledException">The token in the options was cancelled.</exception>
    public ZeroShotMetrics Evaluate(IDataView data)
    {
        ArgumentNullException.ThrowIfNull(data);
        return new ZeroShotEvaluation(_context, _source, Task, _options).Run(data);
    }

    /// <inheritdoc/>
    PortableClient IModelClient.ToPortable(out ReversibleLmTransformer model) => PortableZeroShot.Save(this, out model);

    void ICanSaveModel.Save(ModelSaveContext ctx) => throw new NotSupportedException(
        "mlContext.Model.Save cannot save a zero-shot evaluation. Save the pipeline with " +
        "mlContext.Reversible().Save(pipeline, schema, path) and load it with mlContext.Reversible().Load(path, out schema).");

    /// <summary>Frees the model's native memory if the transformer was loaded with the model.</summary>
    public void Dispose()
    {
        if (_ownsSource) (_source as IDisposable)?.Dispose();
    }

    private void RequireColumns(DataViewSchema schema)
    {
        foreach (ZeroShotColumn column in Task.Columns) column.Find(schema);
    }
}
