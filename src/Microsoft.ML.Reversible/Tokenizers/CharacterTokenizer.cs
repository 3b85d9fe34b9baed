using System.Buffers;
using System.Text;
using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>A tokenizer with one token for every Unicode character of a fixed set.</summary>
internal sealed class CharacterTokenizer : Tokenizer
{
    private readonly string[] _tokens;
    private readonly Dictionary<Rune, int> _ids = [];

    /// <summary>Makes a tokenizer whose ids are the tokens' indices. A token of several characters is decoded but never encoded.</summary>
    public CharacterTokenizer(IReadOnlyList<string> tokens)
    {
        _tokens = [.. tokens];
        for (int id = 0; id < _tokens.Length; id++)
            if (Rune.TryGetRuneAt(_tokens[id], 0, out Rune rune) && rune.Utf16SequenceLength == _tokens[id].Length) _ids.Add(rune, id);
    }

    /// <inheritdoc/>
    public override string Decode(IEnumerable<int> ids) => string.Concat(ids.Select(id => _tokens[id]));

    /// <inheritdoc/>
    public override OperationStatus Decode(IEnumerable<int> ids, Span<char> destination, out int idsConsumed, out int charsWritten)
    {
        (idsConsumed, charsWritten) = (0, 0);
        foreach (int id in ids)
        {
            if (!_tokens[id].AsSpan().TryCopyTo(destination[charsWritten..])) return OperationStatus.DestinationTooSmall;
            charsWritten += _tokens[id].Length;
            idsConsumed++;
        }
        return OperationStatus.Done;
    }

    /// <inheritdoc/>
    protected override EncodeResults<EncodedToken> EncodeToTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        var tokens = new List<EncodedToken>();
        int at = 0;
        foreach (Rune rune in (text ?? textSpan.ToString()).EnumerateRunes())
        {
            if (tokens.Count == settings.MaxTokenCount) break;
            int end = at + rune.Utf16SequenceLength;
            tokens.Add(new EncodedToken(IdOf(rune, at), rune.ToString(), at..end));
            at = end;
        }
        return new EncodeResults<EncodedToken> { Tokens = tokens, CharsConsumed = at };
    }

    /// <inheritdoc/>
    protected override EncodeResults<int> EncodeToIds(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        ReadOnlySpan<char> source = text ?? textSpan;
        var ids = new List<int>(source.Length);
        int at = 0;
        foreach (Rune rune in source.EnumerateRunes())
        {
            if (ids.Count == settings.MaxTokenCount) break;
            ids.Add(IdOf(rune, at));
            at += rune.Utf16SequenceLength;
        }
        return new EncodeResults<int> { Tokens = ids, CharsConsumed = at };
    }

    /// <inheritdoc/>
    protected override int CountTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings) =>
        EncodeToIds(text, textSpan, settings).Tokens.Count;

    /// <inheritdoc/>
    protected override int GetIndexByTokenCount(
        string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings, bool fromEnd, out string? normalizedText, out int tokenCount)
    {
        normalizedText = null;
        int most = settings.MaxTokenCount;
        settings.MaxTokenCount = int.MaxValue;
        IReadOnlyList<EncodedToken> tokens = EncodeToTokens(text, textSpan, settings).Tokens;
        tokenCount = Math.Min(most, tokens.Count);
        int length = (text ?? textSpan).Length;
        if (tokenCount == tokens.Count) return fromEnd ? 0 : length;
        return tokens[fromEnd ? tokens.Count - tokenCount : tokenCount].Offset.Start.GetOffset(length);
    }

    private int IdOf(Rune rune, int position) => _ids.TryGetValue(rune, out int id)
        ? id
        : throw new ArgumentException(
            $"The character '{rune}' (U+{rune.Value:X4}) at position {position} of the text is not in the vocabulary, which has only the " +
            "characters of the training text. Leave it out, train on text that holds it, or train with Byte or Bpe tokenization, " +
            "which take any text.");
}
