using System.Globalization;
using System.Text;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>The pieces that GPT-2 cuts text into before it merges: contractions, words, numbers, signs and white space.</summary>
/// <remarks>
/// The rule is the regular expression <c>'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+</c> over code points.
/// .NET's regular expressions and <see cref="Microsoft.ML.Tokenizers.RobertaPreTokenizer"/> match UTF-16 units, so that letters and digits
/// beyond U+FFFF count as signs: in "𝔸's" they cut after the apostrophe.
/// </remarks>
internal static class Gpt2Pieces
{
    private enum Kind
    {
        Letter,
        Number,
        Sign,
        Space,
    }

    private static readonly string[] _contractions = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"];

    /// <summary>Returns where the piece that begins at an index ends.</summary>
    /// <param name="text">Well-formed text.</param>
    /// <param name="start">The index, within the text.</param>
    public static int EndOf(ReadOnlySpan<char> text, int start)
    {
        if (text[start] == '\'')
            foreach (string contraction in _contractions)
                if (text[start..].StartsWith(contraction, StringComparison.Ordinal)) return start + contraction.Length;

        int at = start;
        Kind kind = Next(text, ref at);
        if (text[start] == ' ' && at < text.Length && KindAt(text, at) is not Kind.Space and var word)
        {
            kind = word;
            Next(text, ref at);
        }
        while (at < text.Length && KindAt(text, at) == kind) Next(text, ref at);

        // The last of several white spaces before other text is left to that text, or is a piece of its own.
        return kind == Kind.Space && at < text.Length && at > start + 1 ? at - 1 : at;
    }

    private static Kind KindAt(ReadOnlySpan<char> text, int at) => Next(text, ref at);

    private static Kind Next(ReadOnlySpan<char> text, ref int at)
    {
        char unit = text[at];
        if (char.IsAscii(unit))
        {
            at++;
            return char.IsAsciiLetter(unit) ? Kind.Letter
                : char.IsAsciiDigit(unit) ? Kind.Number
                : char.IsWhiteSpace(unit) ? Kind.Space
                : Kind.Sign;
        }
        Rune.DecodeFromUtf16(text[at..], out Rune rune, out int length);
        at += length;
        if (Rune.IsWhiteSpace(rune)) return Kind.Space;
        return Rune.GetUnicodeCategory(rune) switch
        {
            <= UnicodeCategory.OtherLetter => Kind.Letter,
            UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => Kind.Number,
            _ => Kind.Sign,
        };
    }
}
