using System.Globalization;
using System.Text;
using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>Cuts text as GPT-2 does before it merges: contractions, words, numbers, signs and white space.</summary>
/// <remarks>
/// The rule is <see cref="Expression"/> over code points. .NET's regular expressions and <see cref="RobertaPreTokenizer"/> match UTF-16
/// units, so that letters and digits beyond U+FFFF count as signs: in "𝔸's" they cut after the apostrophe.
/// </remarks>
internal sealed class Gpt2PreTokenizer : PreTokenizer
{
    /// <summary>The rule as a regular expression.</summary>
    public const string Expression = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    private static readonly string[] _contractions = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"];

    private enum Kind
    {
        Letter,
        Number,
        Sign,
        Space,
    }

    /// <summary>The one instance; it has no state.</summary>
    public static Gpt2PreTokenizer Instance { get; } = new();

    /// <inheritdoc/>
    public override IEnumerable<(int Offset, int Length)> PreTokenize(ReadOnlySpan<char> text) => PreTokenize(text.ToString());

    /// <inheritdoc/>
    public override IEnumerable<(int Offset, int Length)> PreTokenize(string text)
    {
        for (int start = 0; start < text.Length;)
        {
            int end = EndOf(text, start);
            yield return (start, end - start);
            start = end;
        }
    }

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

        // The last of several white spaces before other text joins that text, or is a piece of its own if it is not a space.
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
