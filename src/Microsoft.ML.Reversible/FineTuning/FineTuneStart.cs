using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Reversible.Schemes;
using Microsoft.ML.Reversible.Tokenizers;
using Microsoft.ML.Reversible.Training;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.FineTuning;

/// <summary>
/// The model that a fine-tuning starts from, with the tokens that its chat format needs. If the training succeeds, the caller owns the
/// model; otherwise <see cref="Abandon"/> frees it.
/// </summary>
internal sealed class FineTuneStart
{
    private FineTuneStart(LanguageModel model, ChatFormat format) => (Model, Format) = (model, format);

    /// <summary>The model with its tokenizer.</summary>
    public LanguageModel Model { get; }

    /// <summary>How conversations become text.</summary>
    public ChatFormat Format { get; }

    /// <summary>Number of tokens that were added to the vocabulary.</summary>
    public int AddedTokenCount { get; private init; }

    /// <summary>
    /// What a resumed run must have in common with its checkpoint: the format, and the weights that the checkpoint does not have.
    /// </summary>
    public IEnumerable<FingerprintEntry> Fingerprint =>
    [
        new(nameof(FineTuneEstimator.Options.ChatFormat), Format.Name),
        .. BaseHash is { } hash ? new FingerprintEntry[] { new("Base", hash) } : [],
    ];

    /// <summary>
    /// The model as it is at the start of a new run, never trained, if it was asked for; the caller disposes of it. With an adapter it
    /// shares the weights below it.
    /// </summary>
    public LanguageNetwork? Reference { get; private init; }

    /// <summary>
    /// The hash of the frozen model below an adapter, or else of the <see cref="Reference"/>; null without both, or without checkpoints.
    /// </summary>
    private string? BaseHash { get; init; }

    /// <summary>Loads or copies the model, converts it to the scheme, and adds tokens and an adapter.</summary>
    /// <param name="options">The options, already checked.</param>
    /// <param name="checkpoint">The checkpoint to resume from; null for a new run.</param>
    /// <param name="device">The device of the model.</param>
    /// <param name="seed">The seed of an adapter.</param>
    /// <param name="withReference">Whether to return a <see cref="Reference"/>.</param>
    /// <exception cref="InvalidOperationException">The model, its tokenizer or the checkpoint does not fit the options.</exception>
    public static FineTuneStart Make(
        FineTuneEstimator.Options options, string? checkpoint, Device device, int seed, bool withReference = false)
    {
        bool adapts = options.LoraRank is not null;
        // A checkpoint of an adapter does not have the model.
        string? whole = adapts ? null : checkpoint;
        LanguageModel? given = whole is null ? options.Model?.Model : null;
        LanguageModel from = given ?? Load(options, whole, device);
        LanguageNetwork? made = null, reference = null;
        try
        {
            LanguageStart.CheckContext(options, from.Network);
            LanguageModelTokenizer tokenizer =
                LanguageStart.WithinVocabulary(TokenizerOf(options, from), from.Network.Configuration.VocabularySize)!;
            ChatFormat format = options.ChatFormat ?? ChatFormat.Detect(tokenizer);
            string[] missing = Missing(tokenizer, format, options);
            if (missing.Length > 0) tokenizer = TokenAddition.Add(tokenizer, missing);
            int size = SizeFor(options, from.Network, tokenizer.VocabularySize);
            // Where the model has rows for the added tokens, a checkpoint of it has trained them.
            int[] unused = whole is null ? UnusedRows(from.Network, tokenizer, missing) : [];
            if (options.LoraFor(missing.Length > 0, from.Network.Configuration.TiedHead) is { } settings)
            {
                bool changesGiven = given is not null && unused.Length > 0;
                using LanguageNetwork? copy = CopyOfBase(options, from.Network, size, device, changesGiven);
                Conversion.SetToMean(copy ?? from.Network, unused);
                (made, reference) = Adapt(options, settings, checkpoint, copy ?? from.Network, seed, withReference);
            }
            else
            {
                made = Make(options, whole, from.Network, size, device, owns: given is null);
                Conversion.SetToMean(made, unused);
            }
            if (withReference) reference ??= Make(options, checkpoint: null, device, seed).Model.Network;
            var model = new LanguageModel(made, tokenizer.Within(made.Configuration.VocabularySize), EndsOf(from, tokenizer, format));
            // What a checkpoint does not have: the model below an adapter, or the reference of whole weights.
            LanguageNetwork? frozen = adapts ? from.Network : reference;
            string? hash = frozen is not null && options.CheckpointFolder is not null ? WeightHash.Of(frozen) : null;
            if (given is null && made != from.Network) from.Dispose();
            return new(model, format) { AddedTokenCount = missing.Length, BaseHash = hash, Reference = reference };
        }
        catch
        {
            if (given is null) from.Dispose();
            if (made is not null && made != from.Network) made.Dispose();
            reference?.Dispose();
            throw;
        }
    }

    /// <summary>Frees the model after a failure, but not the reference.</summary>
    public void Abandon() => Model.Dispose();

    private static LanguageModel Load(FineTuneEstimator.Options options, string? checkpoint, Device device)
    {
        Precision? frozen = options.LoraRank is null ? null : options.BasePrecision;
        // The mode and the arithmetic of another scheme do not fit the folder's.
        bool isAsTrained = checkpoint is not null || options.Scheme is null;
        return PretrainedFolder.Load(
            checkpoint ?? options.ModelPath!, device, options.Precision, backwardMode: isAsTrained ? options.BackwardMode : null,
            arithmetic: isAsTrained ? options.Arithmetic : null, frozen: frozen);
    }

    private static LanguageModelTokenizer TokenizerOf(FineTuneEstimator.Options options, LanguageModel model)
    {
        if (LanguageStart.GivenTokenizer(options) is { } given) return given;
        // A tokenizer that was given as an instance is not in a checkpoint.
        if ((model.HasTokenizer ? model : options.Model?.Model) is { HasTokenizer: true } owner) return owner.Tokenizer;
        throw new InvalidOperationException(
            "The model to start from has no tokenizer, which conversations need. Set Tokenizer or TokenizerPath.");
    }

    private static string[] Missing(LanguageModelTokenizer tokenizer, ChatFormat format, FineTuneEstimator.Options options) =>
        [.. format.Tokens.Concat(options.AddedTokens ?? []).Distinct().Where(token => !ChatEncoder.Has(tokenizer, token))];

    /// <summary>Returns the number of token ids of the trained network.</summary>
    private static int SizeFor(FineTuneEstimator.Options options, LanguageNetwork network, int tokens)
    {
        int size = network.Configuration.VocabularySize, multiple = options.VocabularyMultiple;
        return tokens <= size ? size : checked((tokens + multiple - 1) / multiple * multiple);
    }

    /// <summary>Returns the network whose own weights are trained: the loaded one where nothing of it changes, else a copy.</summary>
    private static LanguageNetwork Make(
        FineTuneEstimator.Options options, string? checkpoint, LanguageNetwork network, int size, Device device, bool owns)
    {
        bool sameSize = size == network.Configuration.VocabularySize;
        if (network.OtherThanOwn(options.Scheme) is { } scheme)
        {
            if (checkpoint is not null)
                throw new InvalidOperationException(
                    $"The checkpoint '{checkpoint}' belongs to another run: Scheme was {network.Stack.Scheme} and is now {scheme}. " +
                    "Set the options of that run, or give this run another CheckpointFolder.");
            network.RequireResidual(scheme);
            LanguageNetwork converted = Conversion.Convert(network, scheme, options, device);
            if (sameSize) return converted;
            using (converted) return Conversion.Copy(converted, size, options, device);
        }
        bool isAsAsked = owns && (checkpoint is not null || options.Scheme is null);
        return isAsAsked && sameSize ? network : Conversion.Copy(network, size, options, device);
    }

    /// <summary>Returns the ids of added tokens for which the network has rows already, which no token used.</summary>
    private static int[] UnusedRows(LanguageNetwork network, LanguageModelTokenizer tokenizer, string[] added) =>
        [.. added.Select(token => tokenizer.Finder[token]!.Id).Where(id => id < network.Configuration.VocabularySize)];

    /// <summary>Returns a frozen copy of the network below an adapter if its size, device or weights change; else null.</summary>
    private static LanguageNetwork? CopyOfBase(
        FineTuneEstimator.Options options, LanguageNetwork network, int size, Device device, bool changes) =>
        changes || size != network.Configuration.VocabularySize || network.Device.ToString() != device.ToString()
            ? Conversion.CopyFrozen(network, size, options.BasePrecision, device)
            : null;

    /// <summary>
    /// Returns a network with an adapter over a frozen one, which it shares; and as its reference another one over the same, whose adapter
    /// is zero.
    /// </summary>
    private static (LanguageNetwork Adapted, LanguageNetwork? Reference) Adapt(
        FineTuneEstimator.Options options, LoraSettings settings, string? checkpoint, LanguageNetwork network, int seed, bool withReference)
    {
        LanguageNetwork adapted = network.WithAdapter(
            settings, seed, options.Scheme, options.BackwardMode, options.Arithmetic, options.Precision);
        try
        {
            if (checkpoint is not null) AdapterFolder.ReadWeights(checkpoint, adapted);
            // The scheme is that of the adapted network, with the factors that were drawn for it.
            LanguageNetwork? reference = !withReference ? null : network.WithAdapter(
                new LoraSettings(1, 1, false, settings.Targets), seed: null, adapted.Stack.Scheme, adapted.Stack.BackwardMode,
                adapted.Stack.Arithmetic, options.Precision);
            return (adapted, reference);
        }
        catch
        {
            adapted.Dispose();
            throw;
        }
    }

    /// <summary>Returns the ids that begin and end texts; a generated text also ends at the end of a turn.</summary>
    private static SpecialTokens EndsOf(LanguageModel from, LanguageModelTokenizer tokenizer, ChatFormat format) => from.SpecialTokens with
    {
        EndOfGeneration =
        [
            .. (from.SpecialTokens.EndOfGeneration ?? from.SpecialTokens.EndOfText)
                .Concat(new ChatEncoder(tokenizer, format).EndOfTurnIds).Distinct(),
        ],
    };
}
