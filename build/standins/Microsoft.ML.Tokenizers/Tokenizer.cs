using System.Buffers;

namespace Microsoft.ML.Tokenizers;

/// <summary>Derived classes supply the protected members; every public overload only brings its arguments into their form.</summary>
/// <remarks>Only EncodeToTokens and the Decode into a span must be overridden, as in the real package.</remarks>
public abstract class Tokenizer
{
    protected Tokenizer()
    {
    }

    public virtual PreTokenizer? PreTokenizer => null;

    public virtual Normalizer? Normalizer => null;

    protected abstract EncodeResults<EncodedToken> EncodeToTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings);

    protected virtual EncodeResults<int> EncodeToIds(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        var results = EncodeToTokens(text, textSpan, settings);
        return new EncodeResults<int>
        {
            Tokens = results.Tokens.Select(token => token.Id).ToArray(),
            NormalizedText = results.NormalizedText,
            CharsConsumed = results.CharsConsumed,
        };
    }

    protected virtual int CountTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings) =>
        EncodeToTokens(text, textSpan, settings).Tokens.Count;

    protected virtual int GetIndexByTokenCount(
        string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings, bool fromEnd, out string? normalizedText, out int tokenCount)
    {
        var max = settings.MaxTokenCount;
        if (max <= 0)
            throw new ArgumentOutOfRangeException(nameof(settings), "The maximum number of tokens must be greater than zero.");

        settings.MaxTokenCount = int.MaxValue;
        var results = EncodeToTokens(text, textSpan, settings);
        normalizedText = results.NormalizedText;
        var length = (normalizedText ?? text)?.Length ?? textSpan.Length;
        tokenCount = Math.Min(max, results.Tokens.Count);
        if (tokenCount == results.Tokens.Count)
            return fromEnd ? 0 : length;

        return fromEnd
            ? results.Tokens[^tokenCount].Offset.Start.GetOffset(length)
            : results.Tokens[tokenCount - 1].Offset.End.GetOffset(length);
    }

    public virtual string Decode(IEnumerable<int> ids)
    {
        ArgumentNullException.ThrowIfNull(ids);
        for (var length = 256; ; length *= 2)
        {
            var destination = new char[length];
            switch (Decode(ids, destination, out _, out var charsWritten))
            {
                case OperationStatus.Done:
                    return new string(destination, 0, charsWritten);
                case OperationStatus.InvalidData:
                    throw new InvalidOperationException("The ids cannot be decoded.");
            }
        }
    }

    public abstract OperationStatus Decode(IEnumerable<int> ids, Span<char> destination, out int idsConsumed, out int charsWritten);

    public IReadOnlyList<int> EncodeToIds(string text, bool considerPreTokenization = true, bool considerNormalization = true) =>
        EncodeToIds(text, default, Settings(considerPreTokenization, considerNormalization)).Tokens;

    public IReadOnlyList<int> EncodeToIds(
        ReadOnlySpan<char> text, bool considerPreTokenization = true, bool considerNormalization = true) =>
        EncodeToIds(null, text, Settings(considerPreTokenization, considerNormalization)).Tokens;

    public IReadOnlyList<int> EncodeToIds(
        string text, int maxTokenCount, out string? normalizedText, out int charsConsumed,
        bool considerPreTokenization = true, bool considerNormalization = true)
    {
        var results = EncodeToIds(text, default, Settings(considerPreTokenization, considerNormalization, maxTokenCount));
        (normalizedText, charsConsumed) = (results.NormalizedText, results.CharsConsumed);
        return results.Tokens;
    }

    public IReadOnlyList<int> EncodeToIds(
        ReadOnlySpan<char> text, int maxTokenCount, out string? normalizedText, out int charsConsumed,
        bool considerPreTokenization = true, bool considerNormalization = true)
    {
        var results = EncodeToIds(null, text, Settings(considerPreTokenization, considerNormalization, maxTokenCount));
        (normalizedText, charsConsumed) = (results.NormalizedText, results.CharsConsumed);
        return results.Tokens;
    }

    public IReadOnlyList<EncodedToken> EncodeToTokens(
        string text, out string? normalizedText, bool considerPreTokenization = true, bool considerNormalization = true)
    {
        var results = EncodeToTokens(text, default, Settings(considerPreTokenization, considerNormalization));
        normalizedText = results.NormalizedText;
        return results.Tokens;
    }

    public IReadOnlyList<EncodedToken> EncodeToTokens(
        ReadOnlySpan<char> text, out string? normalizedText, bool considerPreTokenization = true, bool considerNormalization = true)
    {
        var results = EncodeToTokens(null, text, Settings(considerPreTokenization, considerNormalization));
        normalizedText = results.NormalizedText;
        return results.Tokens;
    }

    public int CountTokens(string text, bool considerPreTokenization = true, bool considerNormalization = true) =>
        CountTokens(text, default, Settings(considerPreTokenization, considerNormalization));

    public int CountTokens(ReadOnlySpan<char> text, bool considerPreTokenization = true, bool considerNormalization = true) =>
        CountTokens(null, text, Settings(considerPreTokenization, considerNormalization));

    public int GetIndexByTokenCount(
        string text, int maxTokenCount, out string? normalizedText, out int tokenCount,
        bool considerPreTokenization = true, bool considerNormalization = true)
    {
        var settings = Settings(considerPreTokenization, considerNormalization, maxTokenCount);
        return GetIndexByTokenCount(text, default, settings, fromEnd: false, out normalizedText, out tokenCount);
    }

    public int GetIndexByTokenCount(
        ReadOnlySpan<char> text, int maxTokenCount, out string? normalizedText, out int tokenCount,
        bool considerPreTokenization = true, bool considerNormalization = true)
    {
        var settings = Settings(considerPreTokenization, considerNormalization, maxTokenCount);
        return GetIndexByTokenCount(null, text, settings, fromEnd: false, out normalizedText, out tokenCount);
    }

    public int GetIndexByTokenCountFromEnd(
        string text, int maxTokenCount, out string? normalizedText, out int tokenCount,
        bool considerPreTokenization = true, bool considerNormalization = true)
    {
        var settings = Settings(considerPreTokenization, considerNormalization, maxTokenCount);
        return GetIndexByTokenCount(text, default, settings, fromEnd: true, out normalizedText, out tokenCount);
    }

    public int GetIndexByTokenCountFromEnd(
        ReadOnlySpan<char> text, int maxTokenCount, out string? normalizedText, out int tokenCount,
        bool considerPreTokenization = true, bool considerNormalization = true)
    {
        var settings = Settings(considerPreTokenization, considerNormalization, maxTokenCount);
        return GetIndexByTokenCount(null, text, settings, fromEnd: true, out normalizedText, out tokenCount);
    }

    private static EncodeSettings Settings(bool preTokenize, bool normalize, int maxTokenCount = int.MaxValue) =>
        new() { ConsiderPreTokenization = preTokenize, ConsiderNormalization = normalize, MaxTokenCount = maxTokenCount };
}
