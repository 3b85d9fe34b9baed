using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.MLNet;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Reversible;

/// <summary>A trained language model: computes log-likelihoods of a text column, generates text, and can be saved.</summary>
/// <remarks>
/// The model is in native memory. <see cref="Dispose"/> frees it, as does disposing the chain or the prediction engine that holds the
/// transformer. Disposing twice is harmless. Scoring and generating are safe from several threads.
/// The model cannot be converted to ONNX. <c>ml.Model.ConvertToOnnx</c> of Microsoft.ML.OnnxConverter ignores transformers from outside
/// ML.NET: for a chain with this one it writes, without an error or a warning, a wrong ONNX model that takes the log-likelihood columns as
/// inputs.
/// </remarks>
public sealed partial class ReversibleLmTransformer : ITransformer, ILogLikelihoodSource, IDisposable
{
    private readonly MLContext _context;
    private readonly LanguageModel _model;
    private readonly ScoreColumns _columns;
    private readonly bool _ownsModel;

    internal ReversibleLmTransformer(
        MLContext context, LanguageModel model, ScoreColumns columns, LanguageMetrics? metrics = null, RetrofitReport? retrofit = null)
        : this(context, model, columns, ownsModel: true) => (Metrics, Retrofit) = (metrics, retrofit);

    private ReversibleLmTransformer(MLContext context, LanguageModel model, ScoreColumns columns, bool ownsModel) =>
        (_context, _model, _columns, _ownsModel) = (context, model, columns, ownsModel);

    /// <summary>The metrics of the training run; null for a loaded model.</summary>
    public LanguageMetrics? Metrics { get; }

    /// <summary>The report of a retrofitted model; null for other models and for loaded ones.</summary>
    public RetrofitReport? Retrofit { get; }

    /// <summary>The report on data and model of a fine-tuned model; null for other models and for loaded ones.</summary>
    public FineTuneReport? FineTuning { get; internal init; }

    /// <summary>The network, a TorchSharp module that this transformer, or the one that it was made from, owns.</summary>
    public LanguageNetwork Network => Live.Network;

    /// <summary>The configuration of the network.</summary>
    public LanguageModelConfiguration Configuration => _model.Network.Configuration;

    /// <summary>The scheme of the layers.</summary>
    public Scheme Scheme => _model.Network.Stack.Scheme;

    /// <summary>The network with its tokenizer.</summary>
    internal LanguageModel Model => Live;

    /// <summary>The column whose log-likelihoods are computed.</summary>
    internal string TextColumnName => _columns.Text;

    /// <summary>The names of the columns that are read and added.</summary>
    internal ScoreColumns Columns => _columns;

    private LanguageModel Live
    {
        get
        {
            _model.ThrowIfDisposed();
            return _model;
        }
    }

    /// <summary>
    /// Writes the model as a folder in Hugging Face's layout: config.json, model.safetensors, and tokenizer files if the model has a
    /// tokenizer. The folder is replaced only when it is complete, so that a failure leaves the old one.
    /// </summary>
    /// <remarks>
    /// Hugging Face's transformers loads the folder of a residual model as it is. A process that is killed while saving leaves a folder
    /// "*.partial-*" next to this one or, between two renames, the complete old folder as "*.old-*". <c>mlContext.Model.Save</c> of ML.NET
    /// is not atomic: it writes into the given file. A tokenizer that was given as an instance is not written, because
    /// Microsoft.ML.Tokenizers does not write files: give it again when loading.
    /// </remarks>
    /// <param name="folder">The folder to create or replace.</param>
    /// <param name="precision">
    /// The number type of the stored weights. The two-byte types halve the folder's size; use float32 for a model that will be trained
    /// further.
    /// </param>
    /// <param name="maxShardBytes">
    /// The maximum bytes of weights in a file, at least 1. A larger model is sharded into model-00001-of-0000n.safetensors and so on, with
    /// model.safetensors.index.json. A single tensor is never split.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">The precision is not a value of its enum, or the bytes are below 1.</exception>
    /// <exception cref="IOException">
    /// The folder cannot be written, for example because the disk is full, or it contains files that do not belong to a model.
    /// </exception>
    /// <exception cref="UnauthorizedAccessException">Writing the folder is not permitted.</exception>
    /// <exception cref="InvalidOperationException">A weight is outside the range of float16; the message names its tensor.</exception>
    /// <exception cref="ObjectDisposedException">The model has been disposed.</exception>
    public void SavePretrained(
        string folder, WeightPrecision precision = WeightPrecision.Float32, long maxShardBytes = PretrainedFolder.DefaultShardBytes)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxShardBytes, 1);
        _ = precision.ToScalarType();
        PretrainedFolder.Save(Live, folder, precision, maxShardBytes);
    }

    /// <summary>
    /// Writes the model with its tokenizer as a GGUF file, which llama.cpp and programs on top of it, such as Ollama and LLamaSharp, run.
    /// The file is replaced only when it is complete.
    /// </summary>
    /// <remarks>
    /// llama.cpp has GPT-2, Llama, Mistral without a sliding window, Qwen 2 and Qwen 3, and computes p + f(p) in each layer: models with
    /// the scheme residual, or bdia with standard inference, are written. It computes GELU by the tanh formula from a table in float16, and
    /// does not normalize texts. A warning is logged for a tokenizer that removes extra spaces, as llama.cpp keeps them.
    /// </remarks>
    /// <param name="path">The file to create or replace.</param>
    /// <param name="precision">The number type of the matrices; vectors are float32.</param>
    /// <exception cref="ArgumentOutOfRangeException">The precision is not a value of its enum.</exception>
    /// <exception cref="NotSupportedException">llama.cpp would compute something else; the message says what and what to do.</exception>
    /// <exception cref="IOException">The file cannot be written, for example because the disk is full.</exception>
    /// <exception cref="UnauthorizedAccessException">Writing the file is not permitted.</exception>
    /// <exception cref="InvalidOperationException">
    /// The model has no tokenizer, or a weight is outside the range of float16; the message names its tensor.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The model has been disposed.</exception>
    public void SaveGguf(string path, WeightPrecision precision = WeightPrecision.Float16)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        _ = precision.ToScalarType();
        using IChannel channel = ((IHostEnvironment)_context).Register(nameof(ReversibleLmTransformer)).Start("Saving");
        GgufExport.Save(Live, path, precision, channel);
    }

    /// <summary>Always true: each row is evaluated independently.</summary>
    public bool IsRowToRowMapper => true;

    /// <inheritdoc/>
    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return GetRowToRowMapper(inputSchema).OutputSchema;
    }

    /// <summary>Adds the model's columns to data, lazily.</summary>
    /// <remarks>
    /// Rows are evaluated in batches of similar length, so a row's values may differ by rounding (about 1e-5 of a log-likelihood) from
    /// those of a prediction engine, which evaluates one row at a time. Rows after the current one may be evaluated in advance, by a second
    /// cursor: put <c>mlContext.Data.Cache</c> around an input that can be read only once. The view
    /// remembers the values of rows, up to 256 MiB, so that a trainer that reads it several times evaluates the model once; for more rows
    /// put <c>AppendCacheCheckpoint</c> after the model.
    /// </remarks>
    /// <param name="input">
    /// Data with the text column, which holds text or vectors of token ids (Int32 or UInt32), or with the columns of conversations that the
    /// model was fine-tuned on.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or has another type.</exception>
    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        _columns.Require(input.Schema);
        return new BatchedColumnsView<ScoredRow, TextScore>(_context, input, _columns.Added(Live), _columns.Batched(Live), this);
    }

    /// <inheritdoc/>
    public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        _columns.Require(inputSchema);
        return new AddColumnsMapper<TextScore>(inputSchema, _columns.Added(Live));
    }

    /// <summary>Returns a transformer that adds other columns and uses this one's model without owning it.</summary>
    internal ReversibleLmTransformer WithColumns(ScoreColumns columns) => new(_context, Live, columns, ownsModel: false);

    /// <inheritdoc/>
    IReadOnlyList<ContinuationScore> ILogLikelihoodSource.Score(
        IReadOnlyList<ContinuationRequest> requests, IProgress<int>? progress, CancellationToken cancellationToken) =>
        new LogLikelihoodScorer(Live).Score(requests, progress, cancellationToken);

    /// <inheritdoc/>
    IReadOnlyList<ContinuationScore> ILogLikelihoodSource.ScoreRolling(
        IReadOnlyList<string> texts, IProgress<int>? progress, CancellationToken cancellationToken) =>
        new LogLikelihoodScorer(Live).ScoreRolling(texts, progress, cancellationToken);

    /// <summary>Saves a chain of ML.NET's own transformers, so that <c>mlContext.Model.Load</c> needs no registration.</summary>
    void ICanSaveModel.Save(ModelSaveContext ctx)
    {
        if (_columns.Rows is { } rows)
            throw new NotSupportedException(
                $"mlContext.Model.Save cannot save the columns of conversations {string.Join(", ", rows.ColumnNames)}. Save the pipeline " +
                "with mlContext.Reversible().Save(pipeline, schema, path) and load it with mlContext.Reversible().Load(path, out schema).");
        if (!Live.HasTokenizer)
            throw new NotSupportedException(
                "This model has no tokenizer, but mlContext.Model.Save can store only models that read text. Save the pipeline with " +
                "mlContext.Reversible().Save(pipeline, schema, path) and load it with mlContext.Reversible().Load(path, out schema).");
        PortableChain.ThrowIfTooLarge(Configuration.ParameterCount * sizeof(float));
        var chain = PortableChain.Build(ModelArchive.Pack(Live), _columns);
        ((ICanSaveModel)chain).Save(ctx);
    }

    /// <summary>Frees the model's native memory. A transformer that uses another one's model frees nothing.</summary>
    public void Dispose()
    {
        if (_ownsModel) _model.Dispose();
    }
}
