using Microsoft.ML.Reversible.Tokenizers;

namespace Microsoft.ML.Reversible.Language;

/// <summary>A network, which this owns, and the tokenizer that the network was trained with, if known.</summary>
internal sealed class LanguageModel(LanguageNetwork network, LanguageModelTokenizer? tokenizer, SpecialTokens? specialTokens = null)
    : IDisposable
{
    private bool _disposed;

    public LanguageNetwork Network => network;

    public bool HasTokenizer => tokenizer is not null;

    /// <exception cref="InvalidOperationException">The model has no tokenizer.</exception>
    public LanguageModelTokenizer Tokenizer => tokenizer ?? throw new InvalidOperationException(
        "The model has no tokenizer: it was trained on token ids, or loaded from a folder without tokenizer files. " +
        "Give LoadPretrained a tokenizer or a tokenizerPath, or put the tokenizer's files into the folder.");

    /// <summary>The ids that begin and end a text, from the model's files or else from the tokenizer.</summary>
    public SpecialTokens SpecialTokens { get; } = specialTokens
        ?? (tokenizer is null ? new(null, []) : new(tokenizer.BeginOfTextId, [tokenizer.EndOfTextId]));

    /// <summary>
    /// The id that stands for an empty context: the tokenizer's, or else one of config.json that the model has, or else 0.
    /// </summary>
    public int PrefixId => tokenizer?.PrefixId ?? OwnIds.BeginOfText ?? OwnIds.EndOfText ?? 0;

    private SpecialIds OwnIds => SpecialTokens.Within(network.Configuration.VocabularySize);

    /// <summary>Returns another network, which the result owns, with this model's tokenizer.</summary>
    public LanguageModel With(LanguageNetwork other) => new(other, tokenizer, SpecialTokens);

    /// <exception cref="ObjectDisposedException">The network has been disposed of.</exception>
    public void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(_disposed, typeof(ReversibleLmTransformer));

    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        network.Dispose();
    }
}
