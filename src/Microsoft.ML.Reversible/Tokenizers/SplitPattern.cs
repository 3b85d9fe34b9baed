using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>
/// Cuts text by a regular expression of tokenizer.json: every match is a piece, and so is what lies between two matches.
/// </summary>
/// <remarks>
/// Such expressions are written for Oniguruma, which matches code points. .NET matches UTF-16 units, so a text with surrogate pairs is
/// matched with one unit in place of every pair (<see cref="AstralUnits"/>).
/// </remarks>
internal sealed class SplitPattern : PreTokenizer
{
    private static readonly TimeSpan _longestMatch = TimeSpan.FromSeconds(10);

    private readonly Regex _regex;
    private readonly OnigurumaSyntax _syntax;

    /// <summary>Translates an expression.</summary>
    /// <exception cref="FormatException">The expression has syntax that is not supported; the message names it.</exception>
    public SplitPattern(string expression)
    {
        Expression = expression;
        _syntax = OnigurumaSyntax.Translate(expression);

        // An engine without backtracking takes time linear in the text, but cannot look ahead.
        RegexOptions engine = _syntax.RepeatsRepetitions ? RegexOptions.NonBacktracking : RegexOptions.Compiled;
        try
        {
            _regex = new Regex(_syntax.Translation, engine | RegexOptions.CultureInvariant, _longestMatch);
        }
        catch (NotSupportedException e)
        {
            throw new FormatException("it repeats a repetition beside a look-around, which may take time exponential in the text", e);
        }
        catch (ArgumentException e)
        {
            throw new FormatException(e.Message, e);
        }
    }

    /// <summary>The expression as it was given.</summary>
    public string Expression { get; }

    /// <summary>The only text that it matches; null where it is a regular expression.</summary>
    public string? Literal { get; private init; }

    /// <summary>The pattern that matches one text alone.</summary>
    public static SplitPattern OfText(string text) =>
        new(string.Concat(text.Select(c => char.IsAscii(c) && (char.IsPunctuation(c) || char.IsSymbol(c)) ? $"\\{c}" : c.ToString())))
        {
            Literal = text,
        };

    /// <inheritdoc/>
    public override IEnumerable<(int Offset, int Length)> PreTokenize(ReadOnlySpan<char> text) => PreTokenize(text.ToString());

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">Matching took too long.</exception>
    public override IEnumerable<(int Offset, int Length)> PreTokenize(string text)
    {
        foreach ((int offset, int length, _) in Matches(text))
            if (length > 0) yield return (offset, length);
    }

    /// <summary>Returns the matches in a text, which may be empty, and what lies between them.</summary>
    /// <exception cref="InvalidOperationException">Matching took too long.</exception>
    public IEnumerable<(int Offset, int Length, bool IsMatch)> Matches(string text)
    {
        bool hasPairs = text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF') >= 0;
        string matched = hasPairs ? WithoutPairs(text) : text;
        int start = 0;
        for (int at = 0; at < matched.Length;)
        {
            (int index, int length) = NextMatch(matched, at);
            if (index > at)
            {
                int gap = LengthInText(index - at);
                yield return (start, gap, false);
                start += gap;
            }
            if (index < matched.Length)
            {
                int piece = LengthInText(length);
                yield return (start, piece, true);
                start += piece;
            }
            at = index + length;
        }

        int LengthInText(int units)
        {
            if (!hasPairs) return units;
            int end = start;
            for (; units > 0; units--) end += char.IsHighSurrogate(text[end]) ? 2 : 1;
            return end - start;
        }
    }

    /// <summary>
    /// Returns the next match, or the end of the text if there is none. An empty match cuts the text; one at the start does nothing.
    /// </summary>
    private (int Index, int Length) NextMatch(string text, int start)
    {
        try
        {
            foreach (ValueMatch match in _regex.EnumerateMatches(text, start))
                if (match.Length > 0 || match.Index > start) return (match.Index, match.Length);
        }
        catch (RegexMatchTimeoutException e)
        {
            throw new InvalidOperationException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"The tokenizer's regular expression '{Expression}' took more than {_longestMatch.TotalSeconds:F0} s to find one " +
                    $"piece of a text of {text.Length} characters. Give shorter texts, or another tokenizer."),
                e);
        }
        return (text.Length, 0);
    }

    private string WithoutPairs(string text)
    {
        var units = new StringBuilder(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
            units.Append(rune.IsBmp ? (char)rune.Value : _syntax.UnitOf(rune));
        return units.ToString();
    }
}

/// <summary>Cuts text by several pre-tokenizers: the first cuts the text, each next one the pieces of the one before.</summary>
/// <remarks>
/// CompositePreTokenizer of Microsoft.ML.Tokenizers 2.0 does not apply its other parts to a text that its first part does not cut.
/// </remarks>
/// <param name="parts">The pre-tokenizers. Each sees nothing of the text beyond the piece that it cuts.</param>
internal sealed class SplitSequence(IReadOnlyList<PreTokenizer> parts) : PreTokenizer
{
    /// <inheritdoc/>
    public override IEnumerable<(int Offset, int Length)> PreTokenize(ReadOnlySpan<char> text) => PreTokenize(text.ToString());

    /// <inheritdoc/>
    public override IEnumerable<(int Offset, int Length)> PreTokenize(string text) => Cut(text, 0);

    private IEnumerable<(int Offset, int Length)> Cut(string text, int part)
    {
        foreach ((int offset, int length) in parts[part].PreTokenize(text))
        {
            if (part + 1 == parts.Count)
            {
                yield return (offset, length);
                continue;
            }
            foreach ((int within, int size) in Cut(text.Substring(offset, length), part + 1)) yield return (offset + within, size);
        }
    }
}
