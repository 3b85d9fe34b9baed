using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Data;
using Microsoft.ML.Reversible.MLNet;
using Microsoft.ML.Reversible.Storage;
using Microsoft.ML.Reversible.Tokenizers;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Language;

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
            CheckVocabulary(tokenizer, vocabularySize);
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

    /// <exception cref="InvalidOperationException">The tokenizer has tokens that the model lacks.</exception>
    public static void CheckVocabulary(LanguageModelTokenizer? tokenizer, int vocabularySize)
    {
        if (tokenizer?.VocabularySize > vocabularySize)
            throw new InvalidOperationException(
                $"The tokenizer has {tokenizer.VocabularySize} tokens, but the model to start from has only {vocabularySize}.");
    }

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
