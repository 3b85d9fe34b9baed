using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Schemes;
using Microsoft.ML.Reversible.Tokenizers;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.FineTuning;

/// <summary>
/// The model that a fine-tuning starts from, with the tokens that its chat format needs. If the training succeeds, the caller owns the
/// model; otherwise <see cref="Abandon"/> frees it.
/// </summary>
internal sealed class FineTuneStart
{
    private FineTuneStart(LanguageModel model, ChatFormat format, int addedTokens) =>
        (Model, Format, AddedTokenCount) = (model, format, addedTokens);

    /// <summary>The model with its tokenizer.</summary>
    public LanguageModel Model { get; }

    /// <summary>How conversations become text.</summary>
    public ChatFormat Format { get; }

    /// <summary>Number of tokens that were added to the vocabulary.</summary>
    public int AddedTokenCount { get; }

    /// <summary>Loads or copies the model, converts it to the scheme, and adds tokens.</summary>
    /// <param name="options">The options, already checked.</param>
    /// <param name="checkpoint">The checkpoint to resume from; null for a new run.</param>
    /// <param name="device">The device of the model.</param>
    /// <exception cref="InvalidOperationException">The model, its tokenizer or the checkpoint does not fit the options.</exception>
    public static FineTuneStart Make(FineTuneEstimator.Options options, string? checkpoint, Device device)
    {
        LanguageModel? given = checkpoint is null ? options.Model?.Model : null;
        LanguageModel from = given ?? Load(options, checkpoint ?? options.ModelPath!, device);
        LanguageNetwork? made = null;
        try
        {
            LanguageStart.CheckContext(options, from.Network);
            LanguageModelTokenizer tokenizer = TokenizerOf(options, from);
            ChatFormat format = FormatOf(options);
            string[] missing = Missing(tokenizer, format, options);
            if (missing.Length > 0) tokenizer = TokenAddition.Add(tokenizer, missing);
            made = MakeNetwork(options, checkpoint, from, device, tokenizer.VocabularySize, owns: given is null);
            var model = new LanguageModel(made, tokenizer.Within(made.Configuration.VocabularySize), EndsOf(from, tokenizer, format));
            if (given is null && made != from.Network) from.Dispose();
            return new(model, format, missing.Length);
        }
        catch
        {
            if (given is null) from.Dispose();
            if (made is not null && made != from.Network) made.Dispose();
            throw;
        }
    }

    /// <summary>Frees the model after a failure.</summary>
    public void Abandon() => Model.Dispose();

    private static LanguageModel Load(FineTuneEstimator.Options options, string folder, Device device) => PretrainedFolder.Load(
        folder, device, options.Precision, backwardMode: options.BackwardMode, arithmetic: options.Arithmetic);

    private static LanguageModelTokenizer TokenizerOf(FineTuneEstimator.Options options, LanguageModel model)
    {
        if (LanguageStart.GivenTokenizer(options) is { } given) return given;
        // A tokenizer that was given as an instance is not in a checkpoint.
        if ((model.HasTokenizer ? model : options.Model?.Model) is { HasTokenizer: true } owner) return owner.Tokenizer;
        throw new InvalidOperationException(
            "The model to start from has no tokenizer, which conversations need. Set Tokenizer or TokenizerPath.");
    }

    private static ChatFormat FormatOf(FineTuneEstimator.Options options) => options.ChatFormat
        ?? throw new InvalidOperationException("The chat format is not known. Set ChatFormat.");

    private static string[] Missing(LanguageModelTokenizer tokenizer, ChatFormat format, FineTuneEstimator.Options options) =>
        [.. format.Tokens.Concat(options.AddedTokens ?? []).Distinct().Where(token => !ChatEncoder.Has(tokenizer, token))];

    /// <summary>Returns the network that is trained: the loaded one itself where nothing of it changes, else a copy.</summary>
    private static LanguageNetwork MakeNetwork(
        FineTuneEstimator.Options options, string? checkpoint, LanguageModel from, Device device, int tokens, bool owns)
    {
        LanguageNetwork network = from.Network;
        Scheme own = network.Stack.Scheme;
        if (options.Scheme?.ForTrainedWeights() is { } scheme && scheme != own)
        {
            if (checkpoint is not null)
                throw new InvalidOperationException(
                    $"The checkpoint '{checkpoint}' belongs to another run: Scheme was {own} and is now {scheme}. " +
                    "Set the options of that run, or give this run another CheckpointFolder.");
            if (own is not Residual)
                throw new InvalidOperationException(
                    $"The scheme of the model to start from is '{own}', but only a residual model can be converted to '{scheme}'. " +
                    "Leave out Scheme to keep the model's own.");
            LanguageNetwork converted = Conversion.Convert(network, scheme, options, device);
            if (SizeFor(options, network, tokens) == network.Configuration.VocabularySize) return converted;
            using (converted) return Conversion.Copy(converted, SizeFor(options, network, tokens), options, device);
        }
        int size = SizeFor(options, network, tokens);
        return owns && size == network.Configuration.VocabularySize ? network : Conversion.Copy(network, size, options, device);
    }

    /// <summary>Returns the number of token ids of the trained network.</summary>
    private static int SizeFor(FineTuneEstimator.Options options, LanguageNetwork network, int tokens)
    {
        int size = network.Configuration.VocabularySize, multiple = options.VocabularyMultiple;
        return tokens <= size ? size : checked((tokens + multiple - 1) / multiple * multiple);
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
