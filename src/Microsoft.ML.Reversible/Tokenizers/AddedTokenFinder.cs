using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>Finds added tokens in text, of several that begin at one place the longest.</summary>
internal sealed class AddedTokenFinder
{
    /// <summary>The finder of no tokens.</summary>
    public static readonly AddedTokenFinder None = new([]);

    private readonly Dictionary<string, AddedToken> _tokens = new(StringComparer.Ordinal);
    private readonly Regex? _pattern;

    /// <summary>Makes the finder of tokens.</summary>
    /// <param name="tokens">The tokens, each with its text; of several with one text, the first is found.</param>
    public AddedTokenFinder(IEnumerable<(string Text, AddedToken Token)> tokens)
    {
        foreach ((string text, AddedToken token) in tokens) _tokens.TryAdd(text, token);
        if (_tokens.Count == 0) return;
        _pattern = new Regex(
            string.Join('|', _tokens.Keys.OrderByDescending(text => text.Length).Select(Regex.Escape)), RegexOptions.CultureInvariant);
    }

    /// <summary>Returns the stretches of a text between added tokens, each with the id of the token after it.</summary>
    public IEnumerable<(int Start, int End, int? Id)> Split(string text)
    {
        int start = 0;
        foreach (FoundToken found in Find(text, 0, text.Length))
        {
            if (found.Start < start) continue;
            (int end, int next) = found.WithSpace(text, start);
            yield return (start, end, found.Token.Id);
            start = next;
        }
        yield return (start, text.Length, null);
    }

    /// <summary>Returns a token; null if there is none with the text.</summary>
    public AddedToken? this[string text] => _tokens.GetValueOrDefault(text);

    /// <summary>Returns the tokens that lie within a part of a text.</summary>
    public IEnumerable<FoundToken> Find(string text, int from, int to)
    {
        for (Match? match = _pattern?.Match(text, from, to - from); match is { Success: true }; match = match.NextMatch())
        {
            AddedToken token = _tokens[match.Value];
            int start = match.Index, end = start + match.Length;
            if (token.IsSingleWord && (EndsWithWord(text.AsSpan(0, start)) || BeginsWithWord(text.AsSpan(end)))) continue;
            yield return new(start, end, token);
        }
    }

    private static bool EndsWithWord(ReadOnlySpan<char> text) =>
        Rune.DecodeLastFromUtf16(text, out Rune last, out _) == System.Buffers.OperationStatus.Done && IsOfWord(last);

    private static bool BeginsWithWord(ReadOnlySpan<char> text) =>
        Rune.DecodeFromUtf16(text, out Rune first, out _) == System.Buffers.OperationStatus.Done && IsOfWord(first);

    /// <summary>Whether Rust's <c>\w</c> matches a character: letters, marks, digits, connectors, joiners and circled letters.</summary>
    private static bool IsOfWord(Rune rune) => Rune.GetUnicodeCategory(rune) switch
    {
        <= UnicodeCategory.LetterNumber or UnicodeCategory.ConnectorPunctuation => true,
        UnicodeCategory.Format => rune.Value is 0x200C or 0x200D,
        UnicodeCategory.OtherSymbol => rune.Value is (>= 0x24B6 and <= 0x24E9)
            or (>= 0x1F130 and <= 0x1F149) or (>= 0x1F150 and <= 0x1F169) or (>= 0x1F170 and <= 0x1F189),
        _ => false,
    };
}

/// <summary>An added token in a text.</summary>
/// <param name="Start">Where its own text begins.</param>
/// <param name="End">Where its own text ends.</param>
/// <param name="Token">The token.</param>
internal readonly record struct FoundToken(int Start, int End, AddedToken Token)
{
    /// <summary>Returns where the token begins and ends together with the white space that it includes.</summary>
    /// <param name="text">The text.</param>
    /// <param name="from">The place before which nothing belongs to it.</param>
    public (int Start, int End) WithSpace(string text, int from)
    {
        (int start, int end) = (Start, End);
        if (Token.TakesSpaceBefore) while (start > from && char.IsWhiteSpace(text[start - 1])) start--;
        if (Token.TakesSpaceAfter) while (end < text.Length && char.IsWhiteSpace(text[end])) end++;
        return (start, end);
    }
}
