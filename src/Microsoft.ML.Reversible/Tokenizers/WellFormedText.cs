namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>Text that UTF-8 can carry.</summary>
internal static class WellFormedText
{
    /// <summary>The text, with U+FFFD for every surrogate that has lost its other half; the same object where there is none.</summary>
    public static string From(string text)
    {
        int first = text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF');
        if (first < 0) return text;
        for (int i = first; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i])) continue;
            if (i + 1 == text.Length || !char.IsSurrogatePair(text[i], text[i + 1])) return string.Concat(text.EnumerateRunes());
            i++;
        }
        return text;
    }
}
