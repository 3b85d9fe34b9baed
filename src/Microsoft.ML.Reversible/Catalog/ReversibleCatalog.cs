using Microsoft.ML.Reversible.Checkpoints;
using Microsoft.ML.Reversible.Evaluation;
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

    /// <summary>A trainer of a GPT on a text column, with the arguments that are most often set.</summary>
    /// <param name="textColumnName">The text column to train on.</param>
    /// <param name="scheme">The recurrence over the layers; null is the midpoint scheme.</param>
    /// <param name="layerCount">Number of blocks, at least 1.</param>
    /// <param name="headCount">Number of attention heads, at least 1; it divides <paramref name="width"/>.</param>
    /// <param name="width">Length of a stream's vectors, at least 1.</param>
    /// <param name="contextLength">Tokens that a window holds, at least 1.</param>
    /// <param name="batchSize">Windows in a batch, at least 1.</param>
    /// <param name="maxSteps">Optimizer steps, at least 1.</param>
    /// <param name="learningRate">The learning rate after the warm-up, positive; it falls to a tenth by half a cosine.</param>
    /// <exception cref="ArgumentException">An argument is out of its range; the message names it and the range.</exception>
    public ReversibleLmTrainer LanguageModel(
        string textColumnName = "Text",
        Scheme? scheme = null,
        int layerCount = 6,
        int headCount = 6,
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
            WarmupSteps = Math.Clamp(maxSteps / 10, 0, 100),
            LearningRate = learningRate,
            FinalLearningRate = learningRate / 10,
        });

    /// <summary>A trainer of a language model on a column of text or of token ids.</summary>
    /// <param name="options">What to train and how; later changes to the object have no effect.</param>
    /// <exception cref="ArgumentException">An option is out of its range; the message names it and the range.</exception>
    public ReversibleLmTrainer LanguageModel(ReversibleLmTrainer.Options options) => new(_context, options);

    /// <summary>
    /// Loads a model of the GPT-2 or the Llama family from a folder in Hugging Face's layout: config.json, model.safetensors or its parts
    /// with model.safetensors.index.json, and tokenizer files.
    /// </summary>
    /// <remarks>
    /// Weights are stored as float32, float16, bfloat16 or float64 and become float32. Files are compared with the configuration before
    /// memory is taken, and are read piece by piece: loading needs little more than the model itself.
    /// </remarks>
    /// <param name="folder">The folder, as Hugging Face or <see cref="ReversibleLmTransformer.SavePretrained"/> writes it.</param>
    /// <param name="textColumnName">The text column that the transformer scores.</param>
    /// <param name="device"><c>cpu</c>, <c>cuda</c> or <c>cuda:1</c>; null takes the context's setting, as in training.</param>
    /// <param name="precision">The number type in which the blocks compute.</param>
    /// <param name="tokenizerPath">
    /// Where the tokenizer is, a folder or a file such as tokenizer.model, if not in the folder. Without one the model neither scores nor
    /// generates text, but <see cref="ReversibleLmTransformer.GenerateIds"/> and its <see cref="ReversibleLmTransformer.Network"/> work.
    /// </param>
    /// <exception cref="ArgumentException">The column, the device or the precision is not one that there can be.</exception>
    /// <exception cref="InvalidOperationException">The GPU asked for is missing, and the context does not fall back to the CPU.</exception>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="FileNotFoundException">A file is missing from it.</exception>
    /// <exception cref="InvalidDataException">
    /// A file is damaged or describes something else; the message says what, and lists all tensors that do not fit.
    /// </exception>
    public ReversibleLmTransformer LoadPretrained(
        string folder, string textColumnName = "Text", string? device = null, Precision precision = Precision.Float32,
        string? tokenizerPath = null)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentException.ThrowIfNullOrWhiteSpace(textColumnName);
        var model = PretrainedFolder.Load(folder, DeviceFor(device, precision), precision, tokenizerPath);
        return new ReversibleLmTransformer(model, ScoreColumns.For(textColumnName), metrics: null);
    }

    /// <summary>Loads a model from a folder as the other overload does, with a tokenizer that the caller has made.</summary>
    /// <param name="folder">The folder; tokenizer files in it are not read.</param>
    /// <param name="tokenizer">
    /// The model's tokenizer, which must not put tokens around a text by itself. The ids that begin and end a text are taken from
    /// config.json, or else from the tokenizer. <see cref="ReversibleLmTransformer.SavePretrained"/> cannot write it. A
    /// <see cref="LlamaTokenizer"/> of Microsoft.ML.Tokenizers 2.0 gives runs of a character other ids than SentencePiece, of which a
    /// warning is logged: the other overload reads its file without this fault.
    /// </param>
    /// <param name="textColumnName">The text column that the transformer scores.</param>
    /// <param name="device"><c>cpu</c>, <c>cuda</c> or <c>cuda:1</c>; null takes the context's setting, as in training.</param>
    /// <param name="precision">The number type in which the blocks compute.</param>
    /// <exception cref="ArgumentException">
    /// The column, the device or the precision is not one that there can be, or the tokenizer does not fit a language model.
    /// </exception>
    /// <exception cref="InvalidOperationException">The GPU asked for is missing, and the context does not fall back to the CPU.</exception>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="FileNotFoundException">A file is missing from it.</exception>
    /// <exception cref="InvalidDataException">
    /// A file is damaged or describes something else, or the tokenizer is another model's.
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
        return new ReversibleLmTransformer(model, ScoreColumns.For(textColumnName), metrics: null);
    }

    /// <summary>
    /// Saves a pipeline with models of any size as one ML.NET zip. The zip is written aside and then put in place, so that a failure
    /// leaves what stood there before.
    /// </summary>
    /// <remarks>
    /// The pipeline is saved in ML.NET's way, and each model beside it as the files of
    /// <see cref="ReversibleLmTransformer.SavePretrained"/> under <c>reversible/0/</c> and so on, uncompressed, so that other tools can
    /// take them out. Load it with <see cref="Load"/>: <c>mlContext.Model.Load</c> reads such a zip as far as the schema, and scoring then
    /// says what to do. A zip that plain ML.NET scores, of up to 64 MiB of weights, is what <c>mlContext.Model.Save</c> writes.
    /// </remarks>
    /// <param name="model">A single model, or a chain at any depth.</param>
    /// <param name="inputSchema">The schema of the pipeline's input, or null.</param>
    /// <param name="path">The zip to make or to replace.</param>
    /// <exception cref="IOException">The zip cannot be written, for example because the disk is full.</exception>
    /// <exception cref="UnauthorizedAccessException">The zip must not be written.</exception>
    /// <exception cref="InvalidOperationException">
    /// The pipeline came from <c>mlContext.Model.Load</c>, which left the weights behind; load it with <see cref="Load"/>.
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
    /// Loads a pipeline that <see cref="Save"/> or <c>mlContext.Model.Save</c> has written, with a
    /// <see cref="ReversibleLmTransformer"/> wherever one was saved; chains keep their scopes.
    /// </summary>
    /// <param name="path">The zip.</param>
    /// <param name="inputSchema">The schema that was saved with it; null if none was.</param>
    /// <param name="device"><c>cpu</c>, <c>cuda</c> or <c>cuda:1</c>; null takes the context's setting, as in training.</param>
    /// <param name="precision">The number type in which the blocks compute.</param>
    /// <returns>The pipeline; dispose it to free the models' native memory.</returns>
    /// <exception cref="ArgumentException">The device or the precision is not one that there can be.</exception>
    /// <exception cref="InvalidOperationException">The GPU asked for is missing, and the context does not fall back to the CPU.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is not such a zip, or is damaged; the message says what.</exception>
    public ITransformer Load(
        string path, out DataViewSchema? inputSchema, string? device = null, Precision precision = Precision.Float32)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return ModelZip.Load(_context, path, DeviceFor(device, precision), precision, PortableZeroShot.Open, out inputSchema);
    }

    /// <summary>
    /// Gives the models in a pipeline that came from <c>mlContext.Model.Load</c> their own type back, so that they can generate
    /// and be saved as folders again. ML.NET itself loads them as chains of its own transformers, which score the same.
    /// </summary>
    /// <param name="transformer">What was loaded: a single model or a chain at any depth.</param>
    /// <returns>The same pipeline with a <see cref="ReversibleLmTransformer"/> wherever one was saved.</returns>
    /// <exception cref="InvalidOperationException">
    /// The zip is one of <see cref="Save"/>, whose weights <c>mlContext.Model.Load</c> leaves behind; use <see cref="Load"/>.
    /// </exception>
    public ITransformer Rehydrate(ITransformer transformer)
    {
        ArgumentNullException.ThrowIfNull(transformer);
        return PortableChain.Rehydrate(transformer, Open);

        static ITransformer Open(PortableModel saved) => new ReversibleLmTransformer(
            ModelArchive.Unpack(saved.Archive ?? throw PortableChain.NotLoaded()), ScoreColumns.From(saved.Columns), metrics: null);
    }

    /// <summary>
    /// Analyses whether a model's recurrence stays bounded forward and back on real text: eigenvalues of each layer's Jacobian, the growth
    /// that follows from them, the largest singular value of all layers together, and how exactly the hidden states are rebuilt in floating
    /// point.
    /// </summary>
    /// <remarks>
    /// A layer and window costs <paramref name="krylovDimension"/> backward passes of one block, and for the singular values, forward and
    /// back, up to twice as many steps of two evaluations and three backward passes; the hidden states of one window are all kept.
    /// Perturbations are of the whole state of one window, all its tokens and channels; where that is no more than 64 numbers, all
    /// eigenvalues are found.
    /// </remarks>
    /// <param name="model">The model.</param>
    /// <param name="data">Data with the model's text column; only the rows that the windows need are read.</param>
    /// <param name="windowCount">The most windows to take from the start of the data, at least 1.</param>
    /// <param name="krylovDimension">
    /// Steps of the eigenvalue iteration, at least 1: more find more eigenvalues, and the outer ones more exactly. Also the most steps of
    /// the singular value iteration, which ends where it has settled.
    /// </param>
    /// <param name="seed">Seeds the iteration, and the signs that BDIA draws.</param>
    /// <param name="cancellationToken">Ends the analysis between two layers, or between two passes over all of them.</param>
    /// <returns>The layers' figures, a verdict and a suggestion in words.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The text column is missing or is not text, or a number is below 1.</exception>
    /// <exception cref="InvalidOperationException">There are no rows with text, or the model's numbers are not finite.</exception>
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
