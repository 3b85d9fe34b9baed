using System.Text.RegularExpressions;

namespace Microsoft.ML.Tokenizers;

public sealed class RegexPreTokenizer : PreTokenizer
{
    private readonly Regex _regex;
    private readonly Regex? _specialTokens;

    public RegexPreTokenizer(Regex regex, IReadOnlyDictionary<string, int>? specialTokens)
    {
        ArgumentNullException.ThrowIfNull(regex);
        _regex = regex;
        if (specialTokens is { Count: > 0 })
            _specialTokens = new Regex(string.Join("|", specialTokens.Keys.Select(Regex.Escape)), RegexOptions.Compiled);
    }

    public override IEnumerable<(int Offset, int Length)> PreTokenize(ReadOnlySpan<char> text) => PreTokenize(text.ToString());

    public override IEnumerable<(int Offset, int Length)> PreTokenize(string text)
    {
        if (string.IsNullOrEmpty(text))
            yield break;

        var start = 0;
        for (var special = _specialTokens?.Match(text); special is { Success: true }; special = special.NextMatch())
        {
            foreach (var piece in Pieces(text, start, special.Index))
                yield return piece;
            yield return (special.Index, special.Length);
            start = special.Index + special.Length;
        }

        foreach (var piece in Pieces(text, start, text.Length))
            yield return piece;
    }

    private IEnumerable<(int Offset, int Length)> Pieces(string text, int start, int end)
    {
        // Match(text, start, length) sees that stretch alone, so a look-ahead ends where a special token begins.
        for (var match = _regex.Match(text, start, end - start); match.Success; match = match.NextMatch())
            yield return (match.Index, match.Length);
    }
}
