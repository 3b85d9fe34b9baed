using Microsoft.ML.Reversible.Evaluation;
using Microsoft.ML.Reversible.FineTuning;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Stability;
using Microsoft.ML.Reversible.Tokenizers;
using Microsoft.ML.Reversible.Training;
using Microsoft.ML.Runtime;
using Microsoft.ML.Tokenizers;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

/// <summary>Trainers and loaders of language models with reversible layers; get it from <c>mlContext.Reversible()</c>.</summary>
public sealed partial class ReversibleCatalog
{
    private readonly MLContext _context;

    internal ReversibleCatalog(MLContext context) => _context = context;

    /// <summary>Creates a trainer of a GPT on a text column, with the most common arguments.</summary>
    /// <param name="textColumnName">The text column to train on.</param>
    /// <param name="scheme">The recurrence over the layers; null is the midpoint scheme.</param>
    /// <param name="layerCount">Number of blocks, at least 1.</param>
    /// <param name="headCount">
    /// Number of attention heads, at least 1; must divide <paramref name="width"/>. Null is the largest number up to 6 that does.
    /// </param>
    /// <param name="width">Width of the hidden states, at least 1.</param>
    /// <param name="contextLength">Tokens in a window, at least 1.</param>
    /// <param name="batchSize">Windows in a batch, at least 1.</param>
    /// <param name="maxSteps">Optimizer steps, at least 1.</param>
    /// <param name="learningRate">The learning rate after the warm-up, positive; it falls to a tenth along half a cosine.</param>
    /// <exception cref="ArgumentException">An argument is out of its range; the message names it and the range.</exception>
    public ReversibleLmTrainer LanguageModel(
        string textColumnName = "Text",
        Scheme? scheme = null,
        int layerCount = 6,
        int? headCount = null,
        int width = 192,
        int contextLength = 128,
        int batchSize = 16,
        int maxSteps = 1000,
        double learningRate = 1e-3) =>
        LanguageModel(new ReversibleLmTrainer.Options
        {
            TextColumnName = textColumnName,
            Scheme = scheme ?? Scheme.Midpoint,
            LayerCount = layerCount,
            HeadCount = headCount,
            Width = width,
            ContextLength = contextLength,
            BatchSize = batchSize,
            MaxSteps = maxSteps,
            LearningRate = learningRate,
        });

    /// <summary>Creates a trainer of a language model on a column of text or of token ids.</summary>
    /// <param name="options">The options of the training; later changes to the object have no effect.</param>
    /// <exception cref="ArgumentException">An option is out of its range; the message names it and the range.</exception>
    public ReversibleLmTrainer LanguageModel(ReversibleLmTrainer.Options options) => new(_context, options);

    /// <summary>
    /// Loads a model of any <see cref="ModelFamily"/> from a folder in Hugging Face's layout: config.json, model.safetensors or its parts
    /// with model.safetensors.index.json, and tokenizer files.
    /// </summary>
    /// <remarks>
    /// Weights are stored as float32, float16, bfloat16 or float64 and are converted to float32. Files are compared with the configuration
    /// before memory is allocated, and are read in pieces: loading needs little more memory than the model itself.
    /// </remarks>
    /// <param name="folder">The folder, as Hugging Face or <see cref="ReversibleLmTransformer.SavePretrained"/> writes it.</param>
    /// <param name="textColumnName">The text column that the transformer evaluates.</param>
    /// <param name="device"><c>cpu</c>, <c>cuda</c> or <c>cuda:1</c>; null uses the context's setting, as in training.</param>
    /// <param name="precision">The number type in which the blocks compute.</param>
    /// <param name="tokenizerPath">
    /// The tokenizer, a folder or a file such as tokenizer.model, if it is not in the model's folder. Without a tokenizer the model cannot
    /// evaluate or generate text; <see cref="ReversibleLmTransformer.GenerateIds"/> and <see cref="ReversibleLmTransformer.Network"/> work.
    /// </param>
    /// <exception cref="ArgumentException">The column, the device or the precision is not valid.</exception>
    /// <exception cref="InvalidOperationException">The GPU is missing, and the context does not fall back to the CPU.</exception>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="FileNotFoundException">A file is missing from it.</exception>
    /// <exception cref="InvalidDataException">
    /// A file is damaged or does not fit; the message says how, and lists all tensors that do not fit.
    /// </exception>
    public ReversibleLmTransformer LoadPretrained(
        string folder, string textColumnName = "Text", string? device = null, Precision precision = Precision.Float32,
        string? tokenizerPath = null)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentException.ThrowIfNullOrWhiteSpace(textColumnName);
        var model = PretrainedFolder.Load(folder, DeviceFor(device, precision), precision, tokenizerPath);
        return new ReversibleLmTransformer(_context, model, ScoreColumns.For(textColumnName));
    }

    /// <summary>Loads a model from a folder, with a tokenizer that the caller has created.</summary>
    /// <param name="folder">The folder; tokenizer files in it are not read.</param>
    /// <param name="tokenizer">
    /// The model's tokenizer, which must not put tokens around a text by itself. The ids that begin and end a text are taken from
    /// config.json, or else from the tokenizer. <see cref="ReversibleLmTransformer.SavePretrained"/> cannot write it. A
    /// <see cref="LlamaTokenizer"/> of Microsoft.ML.Tokenizers 2.0 tokenizes runs of a character differently from SentencePiece, and a
    /// warning is logged: the other overload reads the tokenizer's file without this error.
    /// </param>
    /// <param name="textColumnName">The text column that the transformer evaluates.</param>
    /// <param name="device"><c>cpu</c>, <c>cuda</c> or <c>cuda:1</c>; null uses the context's setting, as in training.</param>
    /// <param name="precision">The number type in which the blocks compute.</param>
    /// <exception cref="ArgumentException">
    /// The column, the device or the precision is not valid, or the tokenizer does not fit a language model.
    /// </exception>
    /// <exception cref="InvalidOperationException">The GPU is missing, and the context does not fall back to the CPU.</exception>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="FileNotFoundException">A file is missing from it.</exception>
    /// <exception cref="InvalidDataException">
    /// A file is damaged or does not fit, or the tokenizer is that of another model.
    /// </exception>
    public ReversibleLmTransformer LoadPretrained(
        string folder, Tokenizer tokenizer, string textColumnName = "Text", string? device = null,
        Precision precision = Precision.Float32)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentException.ThrowIfNullOrWhiteSpace(textColumnName);
        var model = PretrainedFolder.Load(folder, DeviceFor(device, precision), precision, tokenizer);
        using IChannel channel = StartLoading();
        TieOrder.Warn(tokenizer, channel);
        return new ReversibleLmTransformer(_context, model, ScoreColumns.For(textColumnName));
    }

    /// <summary>
    /// Saves a pipeline with models of any size as one ML.NET zip. The zip is written under a temporary name and then renamed, so that a
    /// failure leaves an existing file unchanged.
    /// </summary>
    /// <remarks>
    /// The zip contains the pipeline in ML.NET's format, and each model as the files of
    /// <see cref="ReversibleLmTransformer.SavePretrained"/> under <c>reversible/0/</c> and so on, uncompressed, so that other tools can
    /// extract them. Load it with <see cref="Load"/>. <c>mlContext.Model.Load</c> reads only the schema of such a zip; using the pipeline
    /// then throws an exception with instructions. <c>mlContext.Model.Save</c> writes a zip that ML.NET itself can use, with up to 64 MiB
    /// of weights.
    /// </remarks>
    /// <param name="model">A single model, or a chain at any depth.</param>
    /// <param name="inputSchema">The schema of the pipeline's input, or null.</param>
    /// <param name="path">The zip to create or replace.</param>
    /// <exception cref="IOException">The zip cannot be written, for example because the disk is full.</exception>
    /// <exception cref="UnauthorizedAccessException">The zip cannot be written because of missing permissions.</exception>
    /// <exception cref="InvalidOperationException">
    /// The pipeline was loaded by <c>mlContext.Model.Load</c>, which does not load the weights; load it with <see cref="Load"/>.
    /// </exception>
    /// <exception cref="NotSupportedException">A model's tokenizer cannot be written to files.</exception>
    /// <exception cref="ObjectDisposedException">A model has been disposed of.</exception>
    public void Save(ITransformer model, DataViewSchema? inputSchema, string path)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentException.ThrowIfNullOrEmpty(path);
        ModelZip.Save(_context, model, inputSchema, path);
    }

    /// <summary>
    /// Loads a pipeline written by <see cref="Save"/> or <c>mlContext.Model.Save</c>, with each saved
    /// <see cref="ReversibleLmTransformer"/>; chains keep their scopes.
    /// </summary>
    /// <param name="path">The zip.</param>
    /// <param name="inputSchema">The saved schema; null if there is none.</param>
    /// <param name="device"><c>cpu</c>, <c>cuda</c> or <c>cuda:1</c>; null uses the context's setting, as in training.</param>
    /// <param name="precision">The number type in which the blocks compute.</param>
    /// <returns>The pipeline; dispose it to free the models' native memory.</returns>
    /// <exception cref="ArgumentException">The device or the precision is not valid.</exception>
    /// <exception cref="InvalidOperationException">The GPU is missing, and the context does not fall back to the CPU.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is not such a zip, or is damaged; the message says what.</exception>
    public ITransformer Load(
        string path, out DataViewSchema? inputSchema, string? device = null, Precision precision = Precision.Float32)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return ModelZip.Load(_context, path, DeviceFor(device, precision), precision, OpenClient, out inputSchema);

        static ITransformer OpenClient(MLContext context, string json, Func<ScoreColumns, ReversibleLmTransformer> openModel) =>
            ConversationRows.IsSaved(json)
                ? openModel(ConversationRows.Parse(json))
                : PortableZeroShot.Open(context, json, openModel);
    }

    /// <summary>
    /// Converts the models in a pipeline from <c>mlContext.Model.Load</c> back to <see cref="ReversibleLmTransformer"/>, so that they can
    /// generate text and be saved as folders. ML.NET itself loads them as chains of its own transformers, which compute the same columns.
    /// </summary>
    /// <param name="transformer">The loaded transformer: a single model or a chain at any depth.</param>
    /// <returns>The pipeline with each saved <see cref="ReversibleLmTransformer"/>.</returns>
    /// <exception cref="InvalidOperationException">
    /// The zip was written by <see cref="Save"/>, whose weights <c>mlContext.Model.Load</c> does not load; use <see cref="Load"/>.
    /// </exception>
    public ITransformer Rehydrate(ITransformer transformer)
    {
        ArgumentNullException.ThrowIfNull(transformer);
        return PortableChain.Rehydrate(transformer, Open);

        ITransformer Open(PortableModel saved) => new ReversibleLmTransformer(
            _context, ModelArchive.Unpack(saved.Archive ?? throw PortableChain.NotLoaded()), saved.Columns);
    }

    /// <summary>
    /// Analyses whether a model's recurrence stays bounded forward and backward on real text: eigenvalues of each layer's Jacobian, the
    /// growth that follows from them, the largest singular value of all layers together, and how exactly the hidden states are recomputed
    /// in float arithmetic.
    /// </summary>
    /// <remarks>
    /// Each layer and window costs <paramref name="krylovDimension"/> backward passes of one block. The singular values, forward and
    /// backward, cost up to twice as many steps of two evaluations and three backward passes. All hidden states of one window are stored.
    /// Perturbations are of the whole state of one window, all its tokens and channels; if that is at most 64 numbers, all
    /// eigenvalues are found.
    /// </remarks>
    /// <param name="model">The model.</param>
    /// <param name="data">Data with the model's text column; only the rows that the windows need are read.</param>
    /// <param name="windowCount">Maximum number of windows, from the start of the data, at least 1.</param>
    /// <param name="krylovDimension">
    /// Steps of the eigenvalue iteration, at least 1: more steps find more eigenvalues, and the outer ones more exactly. Also the maximum
    /// number of steps of the singular value iteration, which ends when it has converged.
    /// </param>
    /// <param name="seed">Seed of the iterations, and of the signs that BDIA draws.</param>
    /// <param name="cancellationToken">Cancels the analysis between two layers, or between two passes over all of them.</param>
    /// <returns>The figures of the layers, a verdict and a suggestion.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The text column is missing or is not text, or a number is below 1.</exception>
    /// <exception cref="InvalidOperationException">There are no rows with text, or the model's results are not finite.</exception>
    /// <exception cref="ObjectDisposedException">The model has been disposed.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public StabilityReport AnalyzeStability(
        ReversibleLmTransformer model,
        IDataView data,
        int windowCount = 2,
        int krylovDimension = 32,
        int seed = 0,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(data);
        return TextStability.Analyze(model.Model, model.TextColumnName, data, windowCount, krylovDimension, seed, cancellationToken);
    }

    private Device DeviceFor(string? device, Precision precision)
    {
        if (!Enum.IsDefined(precision))
            throw new ArgumentOutOfRangeException(
                nameof(precision), precision, $"precision must be one of {string.Join(", ", Enum.GetNames<Precision>())}.");
        using IChannel channel = StartLoading();
        return Devices.Resolve(device, _context, channel);
    }

    private IChannel StartLoading() => ((IHostEnvironment)_context).Register(nameof(ReversibleCatalog)).Start("Loading");
}
