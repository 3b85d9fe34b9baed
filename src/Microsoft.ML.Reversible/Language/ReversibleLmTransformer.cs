using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Checkpoints;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Reversible.Views;

namespace Microsoft.ML.Reversible;

/// <summary>A trained language model: scores a text column, generates text, and is saved.</summary>
/// <remarks>
/// The model lives in native memory; <see cref="Dispose"/> frees it, and disposing the chain or the prediction engine that holds
/// the transformer does so too. Disposing twice is harmless. Scoring and
/// generating are safe from several threads.
/// The model cannot be converted to ONNX. <c>ml.Model.ConvertToOnnx</c> of Microsoft.ML.OnnxConverter does not see transformers from
/// outside ML.NET: for a chain with this one it writes, without an error or a warning, a wrong ONNX model that takes the score columns as
/// inputs.
/// </remarks>
public sealed partial class ReversibleLmTransformer : ITransformer, ILogLikelihoodSource, IDisposable
{
    private readonly LanguageModel _model;
    private readonly ScoreColumns _columns;

    internal ReversibleLmTransformer(
        LanguageModel model, ScoreColumns columns, TrainingMetrics? metrics, RetrofitReport? retrofit = null)
    {
        _model = model;
        _columns = columns;
        Metrics = metrics;
        Retrofit = retrofit;
    }

    /// <summary>What the training run did; null for a model that was loaded.</summary>
    public TrainingMetrics? Metrics { get; }

    /// <summary>
    /// How far the model is from the one that a <see cref="RetrofitEstimator"/> made it of; null for other models, and for one that was
    /// loaded.
    /// </summary>
    public RetrofitReport? Retrofit { get; }

    /// <summary>The network, an ordinary TorchSharp module owned by this transformer.</summary>
    public LanguageNetwork Network => Live.Network;

    /// <summary>The network's shape.</summary>
    public LanguageModelConfiguration Configuration => _model.Network.Configuration;

    /// <summary>The recurrence over the layers.</summary>
    public Scheme Scheme => _model.Network.Stack.Scheme;

    /// <summary>The network with its tokenizer.</summary>
    internal LanguageModel Model => Live;

    /// <summary>The text column that is scored.</summary>
    internal string TextColumnName => _columns.Text;

    /// <summary>The columns that are read and added.</summary>
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
    /// Writes the model as a folder in Hugging Face's layout: config.json, model.safetensors, and tokenizer files where the model has a
    /// tokenizer. The folder is written aside and then put in place, so that a failure leaves what stood there before.
    /// </summary>
    /// <remarks>
    /// A folder of a residual model loads in Hugging Face's transformers as it is. A process that is killed while it saves leaves a folder
    /// "*.partial-*" beside this one, or, in the moment between two renames, the old folder whole as "*.old-*". <c>mlContext.Model.Save</c>
    /// of ML.NET has no such safety: it writes into the file it is given. A tokenizer that was given as an instance is not written, since
    /// Microsoft.ML.Tokenizers does not write files: give it again when loading.
    /// </remarks>
    /// <param name="folder">The folder to make or to replace.</param>
    /// <param name="precision">
    /// The number type of the stored weights. Two bytes a weight halve the folder; a model that is to be trained further keeps float32.
    /// </param>
    /// <param name="maxShardBytes">
    /// The most bytes of weights in a file, at least 1. A larger model becomes model-00001-of-0000n.safetensors and so on, with
    /// model.safetensors.index.json; a single tensor is never cut.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">The precision is not one that there is, or the bytes are below 1.</exception>
    /// <exception cref="IOException">
    /// The folder cannot be written, for example because the disk is full, or it holds other things than a model.
    /// </exception>
    /// <exception cref="UnauthorizedAccessException">The folder must not be written.</exception>
    /// <exception cref="InvalidOperationException">A weight is beyond the range of float16; the message names its tensor.</exception>
    /// <exception cref="ObjectDisposedException">The model has been disposed of.</exception>
    public void SavePretrained(
        string folder, WeightPrecision precision = WeightPrecision.Float32, long maxShardBytes = PretrainedFolder.DefaultShardBytes)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxShardBytes, 1);
        _ = precision.ToScalarType();
        PretrainedFolder.Save(Live, folder, precision, maxShardBytes);
    }

    /// <summary>Whether each row is scored on its own: it is.</summary>
    public bool IsRowToRowMapper => true;

    /// <inheritdoc/>
    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return GetRowToRowMapper(inputSchema).OutputSchema;
    }

    /// <summary>Adds the score columns to data, lazily.</summary>
    /// <param name="input">Data with the column, as text or as vectors of token ids (Int32 or UInt32).</param>
    /// <exception cref="ArgumentOutOfRangeException">The column is missing, or is neither text nor token ids.</exception>
    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        SchemaErrors.RequireTextOrTokens(input.Schema, _columns.Text);
        return new AddColumnsView<TextScore>(input, Added, this);
    }

    /// <inheritdoc/>
    public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        SchemaErrors.RequireTextOrTokens(inputSchema, _columns.Text);
        return new AddColumnsMapper<TextScore>(inputSchema, Added);
    }

    private AddedColumns<TextScore> Added => _columns.Added(() => new TextScorer(Live));

    /// <inheritdoc/>
    IReadOnlyList<ContinuationScore> ILogLikelihoodSource.Score(
        IReadOnlyList<ContinuationRequest> requests, IProgress<int>? progress, CancellationToken cancellationToken) =>
        new LogLikelihoodScorer(Live).Score(requests, progress, cancellationToken);

    /// <inheritdoc/>
    IReadOnlyList<ContinuationScore> ILogLikelihoodSource.ScoreRolling(
        IReadOnlyList<string> texts, IProgress<int>? progress, CancellationToken cancellationToken) =>
        new LogLikelihoodScorer(Live).ScoreRolling(texts, progress, cancellationToken);

    /// <summary>Saves through ML.NET's own public transformers, so that <c>mlContext.Model.Load</c> needs nothing registered.</summary>
    void ICanSaveModel.Save(ModelSaveContext ctx)
    {
        if (!Live.HasTokenizer)
            throw new NotSupportedException(
                "This model has no tokenizer, and what mlContext.Model.Save writes can score text alone. Save the pipeline with " +
                "mlContext.Reversible().Save(pipeline, schema, path) and load it with mlContext.Reversible().Load(path, out schema).");
        PortableChain.ThrowIfTooLarge(Configuration.ParameterCount * sizeof(float));
        var chain = PortableChain.Build(ModelArchive.Pack(Live), _columns.ToPortable());
        ((ICanSaveModel)chain).Save(ctx);
    }

    /// <summary>Frees the model's native memory.</summary>
    public void Dispose() => _model.Dispose();
}
