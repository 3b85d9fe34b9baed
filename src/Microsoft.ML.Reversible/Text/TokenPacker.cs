namespace Microsoft.ML.Reversible.Text;

/// <summary>Turns rows of text into one stream of tokens.</summary>
internal static class TokenPacker
{
    /// <summary>
    /// Encodes the rows in order, each followed by end-of-text; windows are cut over the borders. Empty rows are left out.
    /// </summary>
    /// <exception cref="InvalidOperationException">No row has text.</exception>
    /// <exception cref="ArgumentException">A row has a character that the tokenizer cannot represent.</exception>
    public static int[] Pack(IEnumerable<string> rows, LanguageModelTokenizer tokenizer)
    {
        var stream = new List<int>();
        foreach (string row in rows)
        {
            if (row.Length == 0) continue;
            stream.AddRange(tokenizer.Encode(row));
            stream.Add(tokenizer.EndOfTextId);
        }

        return stream.Count > 0 ? [.. stream] : throw Vocabulary.NoText();
    }
}
