namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>Cuts text at its added tokens and normalizes what lies between, in the order of huggingface/tokenizers.</summary>
/// <remarks>
/// Tokens without the flag normalized are found in the text as it is. What lies between them is normalized; there, the other tokens are
/// found, normalized in the same way.
/// </remarks>
internal sealed class AddedTokenSplitter
{
    private readonly TextNormalizer _normalizer;
    private readonly AddedTokenFinder _raw, _normalized;
    private readonly bool _hasTokens;

    /// <summary>Makes the splitter of tokens.</summary>
    public AddedTokenSplitter(IEnumerable<AddedToken> tokens, TextNormalizer normalizer)
    {
        AddedToken[] all = [.. tokens];
        (_normalizer, _hasTokens) = (normalizer, all.Length > 0);
        ILookup<bool, AddedToken> byFlag = all.OrderBy(token => token.Id).ToLookup(token => token.IsNormalized);
        _raw = new(byFlag[false].Select(token => (token.Content, token)));
        _normalized = new(byFlag[true].Select(token => (normalizer.Apply(token.Content), token)).Where(token => token.Item1.Length > 0));
    }

    /// <summary>
    /// Returns what finds the added tokens that are text, what finds the special tokens too, and what finds both in text that is not
    /// normalized.
    /// </summary>
    /// <param name="literals">The added tokens that are text.</param>
    /// <param name="specials">The added tokens that stand for no text.</param>
    /// <param name="normalizer">Changes what lies between them.</param>
    /// <param name="tokens">The texts of all tokens.</param>
    /// <param name="named">
    /// Ids of tokens that are special because they begin or end a text, even if no file adds them; negative ones are none.
    /// </param>
    public static (AddedTokenSplitter Added, AddedTokenSplitter AddedAndSpecial, AddedTokenFinder All) Make(
        IReadOnlyDictionary<int, AddedToken> literals, IReadOnlyDictionary<int, AddedToken> specials, TextNormalizer normalizer,
        IReadOnlyList<string> tokens, params int[] named)
    {
        IEnumerable<AddedToken> unnamed = named.Distinct()
            .Where(id => id >= 0 && !specials.ContainsKey(id))
            .Select(id => new AddedToken(id, tokens[id], IsSpecial: true, Path: ""));
        AddedToken[] all = [.. literals.Values, .. specials.Values, .. unnamed];
        return (
            new(literals.Values, normalizer), new(all, normalizer),
            new(all.OrderBy(token => token.Id).Select(token => (token.Content, token))));
    }

    /// <summary>Returns the normalized stretches of a text between added tokens, each with the id of the token after it.</summary>
    /// <param name="text">Well-formed text.</param>
    /// <returns>Each stretch, which may be empty, its place in the text (0 only where the text begins with it), and the id.</returns>
    public IEnumerable<(string Stretch, int Start, int? Id)> Split(string text) =>
        // Without such tokens, as in most vocabularies, short texts would spend much of their time in three nested enumerators.
        _hasTokens ? SplitAtTokens(text) : text.Length == 0 ? [] : [(_normalizer.Apply(text), 0, null)];

    private IEnumerable<(string Stretch, int Start, int? Id)> SplitAtTokens(string text)
    {
        foreach ((int start, int end, int? id) in _raw.Split(text))
        {
            string between = end > start ? _normalizer.Apply(text[start..end]) : "";
            foreach ((int first, int last, int? inner) in _normalized.Split(between))
                if (last > first || inner is not null) yield return (between[first..last], start + first, inner);
            if (id is not null) yield return ("", end, id);
        }
    }
}
