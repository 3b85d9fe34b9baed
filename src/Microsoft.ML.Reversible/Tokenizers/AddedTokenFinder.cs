using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>Finds added tokens in text, of several that begin at one place the longest.</summary>
internal sealed class AddedTokenFinder
{
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
        for (Match? match = _pattern?.Match(text); match is { Success: true }; match = match.NextMatch())
        {
            if (match.Index < start) continue;
            AddedToken token = _tokens[match.Value];
            int end = match.Index, next = match.Index + match.Length;
            if (token.IsSingleWord && (EndsWithWord(text.AsSpan(0, end)) || BeginsWithWord(text.AsSpan(next)))) continue;
            if (token.TakesSpaceBefore) while (end > start && char.IsWhiteSpace(text[end - 1])) end--;
            if (token.TakesSpaceAfter) while (next < text.Length && char.IsWhiteSpace(text[next])) next++;
            yield return (start, end, token.Id);
            start = next;
        }
        yield return (start, text.Length, null);
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
