namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>Base of tokenizers whose added tokens are found in a text before anything else.</summary>
/// <param name="texts">The text of every token.</param>
/// <param name="splitters">
/// What finds the added tokens that are text, what finds the special tokens too, and what finds both in text that is not normalized.
/// </param>
internal abstract class AddedTokenTokenizer(
    TokenTexts texts, (AddedTokenSplitter Added, AddedTokenSplitter AddedAndSpecial, AddedTokenFinder All) splitters)
    : IdTokenizer(texts)
{
    /// <summary>Finds added and special tokens in text that is not normalized.</summary>
    public AddedTokenFinder Finder => splitters.All;

    /// <summary>
    /// Returns the ids of a text in which the texts of special tokens stand for these tokens, as in a rendered conversation.
    /// </summary>
    /// <param name="text">Well-formed text.</param>
    public int[] EncodeWithSpecial(string text)
    {
        var ids = new List<int>();
        Append(splitters.AddedAndSpecial.Split(text), ids);
        return [.. ids];
    }

    /// <summary>Returns the ids of a part of a text, with special tokens read as text.</summary>
    /// <param name="part">Well-formed text.</param>
    /// <param name="start">Its place in the text.</param>
    public int[] EncodePart(string part, int start)
    {
        var ids = new List<int>();
        Append(splitters.Added.Split(part).Select(found => found with { Start = start + found.Start }), ids);
        return [.. ids];
    }

    /// <inheritdoc/>
    protected override void Append(string text, List<int> ids) => Append(splitters.Added.Split(text), ids);

    /// <summary>Appends the ids of a normalized stretch of text without added tokens.</summary>
    /// <param name="text">The stretch, not empty.</param>
    /// <param name="start">Its place in the text, 0 only where the text begins with it.</param>
    /// <param name="ids">The ids.</param>
    protected abstract void AppendBetween(string text, int start, List<int> ids);

    private void Append(IEnumerable<(string Stretch, int Start, int? Id)> stretches, List<int> ids)
    {
        foreach ((string stretch, int start, int? added) in stretches)
        {
            if (stretch.Length > 0) AppendBetween(stretch, start, ids);
            if (added is { } id) ids.Add(id);
        }
    }
}
