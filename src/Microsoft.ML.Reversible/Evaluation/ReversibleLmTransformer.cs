using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Checkpoints;
using Microsoft.ML.Reversible.Evaluation;
using Microsoft.ML.Reversible.Generation;
using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Reversible.Views;

namespace Microsoft.ML.Reversible;

/// <summary>A trained language model: scores a text column, generates text, and is saved.</summary>
/// <remarks>
/// The model lives in native memory; <see cref="Dispose"/> frees it, and disposing the chain or the prediction engine that holds
/// the transformer does so too. Disposing twice is harmless. Scoring is safe from several threads.
/// </remarks>
public sealed class ReversibleLmTransformer : ITransformer, IDisposable
{
    private readonly LanguageModel _model;
    private readonly ScoreColumns _columns;

    internal ReversibleLmTransformer(LanguageModel model, ScoreColumns columns, TrainingMetrics? metrics)
    {
        _model = model;
        _columns = columns;
        Metrics = metrics;
    }

    /// <summary>What the training run did; null for a model that was loaded.</summary>
    public TrainingMetrics? Metrics { get; }

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

    /// <summary>Continues a text.</summary>
    /// <param name="prompt">
    /// The text to continue; an empty one starts from the end-of-text token, which is what a text begins after.
    /// </param>
    /// <param name="maxTokens">The most tokens to add, at least 0; the end of text ends earlier.</param>
    /// <param name="temperature">What the logits are divided by, at least 0; 0 takes the most likely token.</param>
    /// <param name="topK">How many of the most likely tokens are kept; 0 keeps all.</param>
    /// <param name="topP">The most likely tokens are kept until their probabilities add up to this, within (0, 1]; 1 keeps all.</param>
    /// <param name="seed">Seeds the draws: one seed, one text.</param>
    /// <param name="cancellationToken">Ends the generation.</param>
    /// <returns>The prompt and its continuation.</returns>
    /// <exception cref="ArgumentOutOfRangeException">An argument is out of its range; the message names it and the range.</exception>
    /// <exception cref="ArgumentException">The prompt holds a character that the model's character vocabulary lacks.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The model has been disposed of.</exception>
    public string Generate(
        string prompt,
        int maxTokens = 100,
        double temperature = 1.0,
        int topK = 0,
        double topP = 1.0,
        int seed = 0,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        ArgumentOutOfRangeException.ThrowIfNegative(maxTokens);
        var sampler = new TokenSampler(temperature, topK, topP);
        sampler.Check();
        int[] ids = Live.Tokenizer.Encode(prompt);
        if (ids.Length == 0) ids = [Live.Tokenizer.EndOfTextId];
        int[] added = [.. TextGenerator.Continue(Live, ids, maxTokens, sampler, seed, cancellationToken)];
        return prompt + Live.Tokenizer.Decode(added);
    }

    /// <summary>
    /// Writes the model as a folder in Hugging Face's layout: config.json, model.safetensors and tokenizer files. The folder is
    /// written aside and then put in place, so that a failure leaves what stood there before.
    /// </summary>
    /// <remarks>
    /// A process that is killed while it saves leaves a folder "*.partial-*" beside this one, or, in the moment between two renames, the
    /// old folder whole as "*.old-*". <c>mlContext.Model.Save</c> of ML.NET has no such safety: it writes into the file it is given.
    /// </remarks>
    /// <param name="folder">The folder to make or to replace.</param>
    /// <exception cref="IOException">
    /// The folder cannot be written, for example because the disk is full, or it holds other things than a model.
    /// </exception>
    /// <exception cref="UnauthorizedAccessException">The folder must not be written.</exception>
    /// <exception cref="ObjectDisposedException">The model has been disposed of.</exception>
    public void SavePretrained(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        PretrainedFolder.Save(Live, folder);
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
    /// <param name="input">Data with the text column.</param>
    /// <exception cref="ArgumentOutOfRangeException">The text column is missing or is not text.</exception>
    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        SchemaErrors.RequireText(input.Schema, _columns.Text, "text");
        return new AddColumnsView<TextScore>(input, Added);
    }

    /// <inheritdoc/>
    public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        SchemaErrors.RequireText(inputSchema, _columns.Text, "text");
        return new AddColumnsMapper<TextScore>(inputSchema, Added);
    }

    private AddedColumns<TextScore> Added => _columns.Added(() => new TextScorer(Live));

    /// <summary>Saves through ML.NET's own public transformers, so that <c>mlContext.Model.Load</c> needs nothing registered.</summary>
    void ICanSaveModel.Save(ModelSaveContext ctx)
    {
        PortableChain.ThrowIfTooLarge(Configuration.ParameterCount * sizeof(float));
        var chain = PortableChain.Build(ModelArchive.Pack(Live), _columns.ToPortable());
        ((ICanSaveModel)chain).Save(ctx);
    }

    /// <summary>Frees the model's native memory.</summary>
    public void Dispose() => _model.Dispose();
}
