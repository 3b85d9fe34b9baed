using System.Globalization;
using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Data;
using Microsoft.ML.Reversible.MLNet;
using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Reversible.Stack;
using Microsoft.ML.Reversible.Storage;
using Microsoft.ML.Reversible.Tokenizers;
using Microsoft.ML.Reversible.Training;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Language;

/// <summary>
/// The base of all training tasks for language models: token windows, the network's parameters, bits per byte, and checkpoints that are
/// Hugging Face folders, or those of an adapter in PEFT's layout. A derived class defines the loss.
/// </summary>
internal abstract class LanguageTask : ITrainingTask, IDisposable
{
    private readonly LanguageModel _model;
    private readonly ITokenSource _tokens;
    private readonly FrozenWeights _frozen;

    /// <summary>Configures the network's stack by the options, and freezes weights until disposal.</summary>
    /// <param name="model">The model that is trained; the caller owns it.</param>
    /// <param name="tokens">The data, cut into windows; what it reads from must outlive the task.</param>
    /// <param name="options">The options, already checked.</param>
    /// <exception cref="ArgumentException">An option does not fit the model.</exception>
    protected LanguageTask(LanguageModel model, ITokenSource tokens, LanguageTrainingOptions options)
    {
        (_model, _tokens, Dropout) = (model, tokens, options.DropoutRates);
        LayerStack stack = model.Network.Stack;
        if (options.KeptLayerCount > 0 && stack.BackwardMode != BackwardMode.Reversible)
            throw TrainingOptions.UnusedKeptLayers(stack.BackwardMode, stack.Scheme.IsReversible).Refusal();
        OptionChecks.Require(
            options.KeptLayerCount <= stack.Blocks.Count, nameof(options.KeptLayerCount), options.KeptLayerCount,
            $"within [0, {stack.Blocks.Count}], the model's functions");
        (stack.KeptLayerCount, stack.Deterministic) = (options.KeptLayerCount, options.Deterministic);
        _frozen = new FrozenWeights(model.Network, options.FreezeEmbedding, options.FrozenLayerCount);
    }

    /// <inheritdoc/>
    public virtual string Unit => "tokens";

    /// <inheritdoc/>
    public string Description => string.Create(
        CultureInfo.InvariantCulture,
        $"{Network.Configuration.ParameterCount:N0} parameters, {_tokens.Description}, scheme {Network.Stack.Scheme}, " +
        $"backward mode {Network.Stack.BackwardMode}, arithmetic {Network.Stack.Arithmetic}");

    /// <inheritdoc/>
    public Device Device => Network.Device;

    /// <inheritdoc/>
    public IReadOnlyList<Parameter[]> ParameterGroups => [.. FlatParameters.Groups(Network, Network.Stack)];

    /// <inheritdoc/>
    public FlatParameters Flat => Network.Flat;

    /// <inheritdoc/>
    public string Source => _tokens.SourceHash;

    /// <inheritdoc/>
    public long ExamplesPerEpoch => _tokens.WindowsPerEpoch;

    /// <inheritdoc/>
    public virtual IEnumerable<FingerprintEntry> Fingerprint =>
    [
        new("Vocabulary", Training.Fingerprint.Text(Network.Configuration.VocabularySize)),
        new("Tokenizer", _tokens.TokenizerHash),
        new("Model", Describe(Network.Configuration)),
        new("Scheme", Network.Stack.Scheme.ToString()),
        new("Arithmetic", Network.Stack.Arithmetic.ToString()),
    ];

    /// <summary>Number of parameters that are trained.</summary>
    public long TrainableParameterCount => Network.parameters().Where(weight => weight.requires_grad).Sum(weight => weight.numel());

    /// <summary>Number of all parameters, with those of an adapter.</summary>
    public long ParameterCount => Network.parameters().Sum(weight => weight.numel());

    /// <summary>The network that is trained.</summary>
    protected LanguageNetwork Network => _model.Network;

    /// <summary>What is dropped in training.</summary>
    protected DropoutRates Dropout { get; }

    /// <inheritdoc/>
    public MicroBatch Read(long first, int count)
    {
        TokenBatch batch = _tokens.Training(first, count);
        return new(UnitsOf(batch), step => Differentiate(batch, step));
    }

    /// <summary>Returns the number of a batch's units, which the loss is the mean over.</summary>
    internal virtual long UnitsOf(TokenBatch batch) => batch.TargetCount;

    /// <summary>Adds the gradients of the scaled loss to the parameters' <c>grad</c>.</summary>
    /// <param name="batch">The windows.</param>
    /// <param name="step">The step that the pass is part of.</param>
    /// <returns>The unscaled loss summed over the batch's tokens: a float64 scalar on the model's device.</returns>
    internal abstract Tensor Differentiate(TokenBatch batch, StepContext step);

    /// <summary>Measures the model on a batch of held-out windows, without gradients.</summary>
    /// <returns>
    /// The cross-entropy of the text, and the criterion that the best evaluation minimizes. Both are in nats, summed over the targets that
    /// are not ignored.
    /// </returns>
    internal abstract (double CrossEntropy, double Criterion) Evaluate(TokenBatch batch);

    /// <inheritdoc/>
    public virtual HeldOutResult? Evaluate(int batchSize, int maxBatches, CancellationToken cancellationToken)
    {
        double sum = 0, criterionSum = 0;
        long tokens = 0, bytes = 0;
        foreach (TokenBatch batch in _tokens.HeldOut(batchSize).Take(maxBatches))
        {
            cancellationToken.ThrowIfCancellationRequested();
            (double crossEntropy, double criterion) = Evaluate(batch);
            sum += crossEntropy;
            criterionSum += criterion;
            tokens += batch.TargetCount;
            if (_model.HasTokenizer) bytes += BytesOf(batch, _model.Tokenizer);
        }
        if (tokens == 0) return null;
        var figures = new Dictionary<string, double>();
        if (bytes > 0) figures[LanguageMetrics.BitsPerByte] = sum / Math.Log(2) / bytes;
        figures[LanguageMetrics.Perplexity] = Math.Exp(sum / tokens);
        return new(sum / tokens, criterionSum / tokens, tokens, figures);
    }

    /// <inheritdoc/>
    public void WriteModel(string folder)
    {
        if (Network.HasAdapter) AdapterFolder.Write(Network, folder);
        else PretrainedFolder.WriteWithoutTokenizerInstance(_model, folder);
    }

    /// <inheritdoc/>
    public void ReadWeights(string folder)
    {
        if (Network.HasAdapter) AdapterFolder.ReadWeights(folder, Network);
        else PretrainedFolder.ReadWeights(folder, Network);
    }

    /// <inheritdoc/>
    public void Dispose() => _frozen.Dispose();

    /// <summary>Creates the optimizer of a network's parameters, which stay in their buffer.</summary>
    internal static FlatAdamW Optimizer(LanguageNetwork network, AdamWSettings settings, OptimizerPlacement placement) =>
        new(FlatParameters.Groups(network, network.Stack), settings, placement, network.Flat);

    /// <summary>
    /// Describes the shape, without the vocabulary, including values derived from options that were left unset. A model loaded from a
    /// folder gives the same text.
    /// </summary>
    internal static string Describe(LanguageModelConfiguration shape) => string.Create(
        CultureInfo.InvariantCulture,
        $"{shape.Family} with context {shape.ContextLength}, {shape.LayerCount} layers, {shape.HeadCount} heads, width {shape.Width}, " +
        $"MLP width {shape.HiddenWidth}, epsilon {shape.NormEpsilon}, {(shape.TiedHead ? "tied" : "untied")} head, {shape.OwnValues}");

    private static long BytesOf(TokenBatch batch, LanguageModelTokenizer tokenizer) =>
        tokenizer.CountBytes([.. batch.Targets.Where(id => id != TokenBatch.Ignored).Select(id => (int)id)]);
}

/// <summary>Language modelling: the cross-entropy of the next token, in nats.</summary>
/// <param name="model">The model that is trained; the caller owns it.</param>
/// <param name="tokens">The data, cut into windows; what it reads from must outlive the task.</param>
/// <param name="options">The options, already checked.</param>
/// <param name="labelSmoothing">The part of the target's probability that is spread over the vocabulary, within [0, 1).</param>
internal class LanguageModelingTask(
    LanguageModel model, ITokenSource tokens, LanguageTrainingOptions options, double labelSmoothing = 0)
    : LanguageTask(model, tokens, options)
{
    /// <inheritdoc/>
    internal override Tensor Differentiate(TokenBatch batch, StepContext step)
    {
        using var scope = NewDisposeScope();
        (Tensor ids, Tensor targets) = batch.ToTensors(Network.Device);
        return LanguageModelLoss.Differentiate(Network, ids, targets, step, labelSmoothing, DocumentsOf(batch), Dropout)
            .MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    internal override (double CrossEntropy, double Criterion) Evaluate(TokenBatch batch)
    {
        using var scope = NewDisposeScope();
        (Tensor ids, Tensor targets) = batch.ToTensors(Network.Device);
        double crossEntropy = -LanguageModelLoss.LogLikelihood(Network, ids, targets, DocumentsOf(batch))
            .sum(ScalarType.Float64).item<double>();
        return (crossEntropy, crossEntropy);
    }

    private static TokenDocuments? DocumentsOf(TokenBatch batch) =>
        batch.Documents is { } numbers ? TokenDocuments.Of(numbers, numbers.Length / batch.Rows) : null;
}

/// <summary>Weights that a run does not train: they get no gradients until this is disposed of.</summary>
internal sealed class FrozenWeights : IDisposable
{
    private readonly Parameter[] _weights;

    /// <summary>Freezes a model's weights.</summary>
    /// <param name="network">The model.</param>
    /// <param name="embedding">Whether the embedding is frozen, and with it a head that shares its matrix.</param>
    /// <param name="layers">How many blocks are frozen, from the first.</param>
    /// <exception cref="ArgumentOutOfRangeException">The model has fewer blocks.</exception>
    public FrozenWeights(LanguageNetwork network, bool embedding, int layers)
    {
        if (layers > network.Blocks.Count)
            throw new ArgumentOutOfRangeException(
                nameof(LanguageTrainingOptions.FrozenLayerCount), layers,
                $"FrozenLayerCount must be within [0, {network.Blocks.Count}], the model's number of layers.");
        _weights =
        [
            .. embedding ? network.EmbeddingWeights : [],
            .. network.Blocks.Take(layers).SelectMany(block => block.parameters()),
        ];
        // The base of an adapter is frozen already and stays so.
        _weights = [.. _weights.Where(weight => weight.requires_grad)];
        foreach (Parameter weight in _weights) weight.requires_grad = false;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Parameter weight in _weights.Where(w => !w.IsInvalid)) weight.requires_grad = true;
    }
}

/// <summary>
/// The model that a run starts from, new or from a folder, and the column's tokens. Owns the tokens. If training succeeds, the caller owns
/// the model; otherwise <see cref="Abandon"/> frees it.
/// </summary>
internal sealed class LanguageStart : IDisposable
{
    private LanguageStart(LanguageModel model, TokenCache tokens) => (Model, Tokens) = (model, tokens);

    /// <summary>The model with its tokenizer.</summary>
    public LanguageModel Model { get; }

    /// <summary>The column's tokens.</summary>
    public TokenCache Tokens { get; }

    /// <summary>Creates or loads the model, and tokenizes the column.</summary>
    /// <param name="input">The data.</param>
    /// <param name="options">The options, already checked.</param>
    /// <param name="folder">The folder to load the weights from; null for new weights.</param>
    /// <param name="device">The device of the model.</param>
    /// <param name="seed">The seed of new weights.</param>
    public static LanguageStart Make(IDataView input, ReversibleLmTrainer.Options options, string? folder, Device device, int seed)
    {
        LanguageModel? loaded = folder is null
            ? null
            : PretrainedFolder.Load(folder, device, options.Precision, backwardMode: options.BackwardMode, arithmetic: options.Arithmetic);
        TokenCache? tokens = null;
        LanguageNetwork? network = loaded?.Network;
        try
        {
            CheckContext(options, network);
            bool isText = input.Schema[options.TextColumnName].Type is TextDataViewType;
            LanguageModelTokenizer? given = GivenTokenizer(options);
            if (isText && given is null && loaded is { HasTokenizer: false })
                throw new InvalidOperationException(
                    $"The folder '{folder}' has no tokenizer, which a text column needs. Set Tokenizer or TokenizerPath.");
            LanguageModelTokenizer? tokenizer =
                given ?? (loaded is { HasTokenizer: true } ? loaded.Tokenizer : isText ? Learn(input, options) : null);
            int vocabularySize = network?.Configuration.VocabularySize ?? tokenizer?.VocabularySize ?? options.VocabularySize;
            tokenizer = WithinVocabulary(tokenizer, vocabularySize);
            tokens = ReadTokens(input, options, tokenizer, vocabularySize);
            network ??= options.ConfigurationFor(vocabularySize).Build(
                options.Scheme, options.EffectiveBackwardMode!.Value, options.EffectiveArithmetic!.Value, options.Precision, device, seed);
            SpecialTokens? specialTokens =
                loaded is not null && given is null ? loaded.SpecialTokens
                : tokenizer is null && options.EndOfTextId is { } id ? new SpecialTokens(id, [id])
                : null;
            return new LanguageStart(new LanguageModel(network, tokenizer, specialTokens), tokens);
        }
        catch
        {
            network?.Dispose();
            tokens?.Dispose();
            throw;
        }
    }

    /// <summary>Checks before data is read that a token cache that does not exist yet can be written.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">Writing it is not permitted.</exception>
    public static void RequireWritableCache(LanguageTrainingOptions options)
    {
        if (options.TokenCachePath is { } cache && !File.Exists(cache)) AtomicFile.RequireWritable(cache);
    }

    /// <summary>Tokenizes the column, or opens the cache of its tokens.</summary>
    /// <param name="input">The data.</param>
    /// <param name="options">The options, already checked.</param>
    /// <param name="tokenizer">The tokenizer; not null if the column is text.</param>
    /// <param name="vocabularySize">The model's vocabulary size.</param>
    public static TokenCache ReadTokens(
        IDataView input, LanguageTrainingOptions options, LanguageModelTokenizer? tokenizer, int vocabularySize) =>
        input.Schema[options.TextColumnName].Type is TextDataViewType
            ? TokenCacheBuilder.Build(
                TextColumn.Read(input, options.TextColumnName), tokenizer!, options.TokenCachePath,
                options.CancellationToken, options.TokenizationProgress, options.EndOfTextId)
            : TokenCacheBuilder.Build(
                TokenColumn.Read(input, options.TextColumnName, vocabularySize), vocabularySize,
                options.EndOfTextId ?? tokenizer?.EndOfTextId, options.TokenCachePath,
                options.CancellationToken, options.TokenizationProgress);

    /// <summary>Returns the tokenizer that the options name; null if they name none.</summary>
    public static LanguageModelTokenizer? GivenTokenizer(LanguageTrainingOptions options) =>
        options.Tokenizer is { } instance ? LanguageModelTokenizer.Wrap(instance, options.EndOfTextId)
        : options.TokenizerPath is { } path ? LanguageModelTokenizer.Load(path)
        : null;

    /// <exception cref="InvalidOperationException">The model's context is shorter than ContextLength.</exception>
    public static void CheckContext(LanguageTrainingOptions options, LanguageNetwork? network)
    {
        if (network is not null && options.ContextLength > network.Configuration.ContextLength)
            throw new InvalidOperationException(
                $"ContextLength is {options.ContextLength}, " +
                $"but the model to start from has a context of {network.Configuration.ContextLength} tokens.");
    }

    /// <summary>Returns a tokenizer that gives no id which the model to start from lacks.</summary>
    /// <exception cref="InvalidOperationException">The tokenizer has tokens, other than added ones, that the model lacks.</exception>
    public static LanguageModelTokenizer? WithinVocabulary(LanguageModelTokenizer? tokenizer, int vocabularySize) =>
        tokenizer?.LeastModelSize > vocabularySize
            ? throw new InvalidOperationException(
                $"The tokenizer has {tokenizer.LeastModelSize} tokens, but the model to start from has only {vocabularySize}.")
            : tokenizer?.Within(vocabularySize);

    /// <summary>Frees the model after a failure.</summary>
    public void Abandon() => Model.Dispose();

    /// <inheritdoc/>
    public void Dispose() => Tokens.Dispose();

    private static LanguageModelTokenizer Learn(IDataView input, ReversibleLmTrainer.Options options)
    {
        IEnumerable<string> texts = TextColumn.Read(input, options.TextColumnName).Select(text =>
        {
            options.CancellationToken.ThrowIfCancellationRequested();
            return text;
        });
        return LanguageModelTokenizer.Learn(texts, options.Tokenization, options.VocabularySize, options.CancellationToken);
    }
}
