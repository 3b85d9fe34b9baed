using System.Globalization;
using System.Text;
using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>Every digit a piece of its own, and what lies between as GPT-2 cuts it.</summary>
internal sealed class DigitPreTokenizer : PreTokenizer
{
    /// <summary>The one instance; it has no state.</summary>
    public static DigitPreTokenizer Instance { get; } = new();

    /// <inheritdoc/>
    public override IEnumerable<(int Offset, int Length)> PreTokenize(ReadOnlySpan<char> text) => PreTokenize(text.ToString());

    /// <inheritdoc/>
    public override IEnumerable<(int Offset, int Length)> PreTokenize(string text)
    {
        int start = 0;
        int at = 0;
        foreach (Rune rune in text.EnumerateRunes())
        {
            int length = rune.Utf16SequenceLength;
            if (IsDigit(rune))
            {
                foreach (var piece in Between(text, start, at)) yield return piece;
                yield return (at, length);
                start = at + length;
            }
            at += length;
        }
        foreach (var piece in Between(text, start, at)) yield return piece;
    }

    private static bool IsDigit(Rune rune) => Rune.GetUnicodeCategory(rune)
        is UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber;

    // The stretch alone, so that white space before a digit counts as white space at an end.
    private static IEnumerable<(int Offset, int Length)> Between(string text, int start, int end) => start == end
        ? []
        : BoundedPreTokenizer.Instance.PreTokenize(text[start..end]).Select(piece => (piece.Offset + start, piece.Length));
}
