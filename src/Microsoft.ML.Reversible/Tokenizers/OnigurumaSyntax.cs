using System.Globalization;
using System.Text;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>
/// Translates a regular expression from Oniguruma's syntax to .NET's. Refuses what the two match differently, and what depends on more than
/// the Unicode category of a character beyond U+FFFF.
/// </summary>
/// <remarks>
/// Supported are characters and their escapes, <c>.</c>, classes, <c>\s \S \d \D</c>, general categories such as <c>\p{L}</c>, groups
/// <c>(?:)</c> and <c>(?i:)</c>, look-arounds, atomic groups, alternatives, greedy, lazy and possessive quantifiers.
/// </remarks>
internal sealed class OnigurumaSyntax
{
    private const int LongestExpression = 4096;
    private const int GreatestCount = 1000;
    private const int DeepestGroup = 50;

    // Two letters that one character beyond ASCII matches when case is ignored: ß matches ss, ligatures the others.
    private static readonly string[] _foldedPairs = ["ss", "ff", "fi", "fl", "st"];

    private static readonly HashSet<string> _categories = [
        "L", "Lu", "Ll", "Lt", "Lm", "Lo", "M", "Mn", "Mc", "Me", "N", "Nd", "Nl", "No", "P", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po",
        "S", "Sm", "Sc", "Sk", "So", "Z", "Zs", "Zl", "Zp", "C", "Cc", "Cf", "Cn", "Co"];

    private readonly string _source;
    private readonly List<(char First, char Last)> _named = [];
    private int _at;

    private OnigurumaSyntax(string source) => _source = source;

    /// <summary>The expression in .NET's syntax.</summary>
    public string Translation { get; private set; } = "";

    /// <summary>
    /// Whether a part that can match in several ways is repeated: then the time of backtracking is exponential in the text.
    /// </summary>
    public bool RepeatsRepetitions { get; private set; }

    /// <summary>Translates an expression.</summary>
    /// <exception cref="FormatException">It has syntax that is not supported; the message names it.</exception>
    public static OnigurumaSyntax Translate(string expression)
    {
        if (expression.Length > LongestExpression)
            throw new FormatException($"it has {expression.Length} characters, more than {LongestExpression}");
        var syntax = new OnigurumaSyntax(expression);
        syntax.Translation = syntax.Alternatives(ignoresCase: false, depth: 0, out _);
        return syntax._at == expression.Length ? syntax : throw syntax.Unsupported(")");
    }

    /// <summary>Whether the expression names a character, alone or within a range.</summary>
    public bool Names(char c) => _named.Exists(range => range.First <= c && c <= range.Last);

    private string Alternatives(bool ignoresCase, int depth, out bool varies)
    {
        if (depth > DeepestGroup) throw new FormatException($"it nests more than {DeepestGroup} groups");
        var translation = new StringBuilder();
        varies = false;
        char previous = '\0';
        while (_at < _source.Length && _source[_at] != ')')
        {
            if (_source[_at] == '|')
            {
                translation.Append('|');
                (previous, _at, varies) = ('\0', _at + 1, true);
                continue;
            }
            int start = _at;
            string atom = Atom(ignoresCase, depth, out bool atomVaries);
            bool single = _at == start + 1 && char.IsAsciiLetter(_source[start]);
            char letter = single ? char.ToLowerInvariant(_source[start]) : '\0';
            if (ignoresCase && _foldedPairs.Contains($"{previous}{letter}"))
                throw new FormatException($"it ignores the case of '{previous}{letter}', which may be one character");
            previous = letter;
            translation.Append(Quantified(atom, ref atomVaries));
            varies |= atomVaries;
        }
        return translation.ToString();
    }

    private string Quantified(string atom, ref bool varies)
    {
        if (!TryQuantifier(out string quantifier)) return atom;
        if (varies && quantifier != "?")
        {
            // An engine without backtracking copies the part as many times as the count says.
            if (quantifier[0] == '{') throw Unsupported($"{quantifier} after a part that matches in several ways");
            RepeatsRepetitions = true;
        }
        varies = true;

        // After a count in braces, Oniguruma's '+' is another quantifier.
        if (_at < _source.Length && _source[_at] == '+' && quantifier[0] != '{')
        {
            _at++;
            RefuseQuantifier();
            return $"(?>{atom}{quantifier})";
        }
        if (_at < _source.Length && _source[_at] == '?' && quantifier[0] != '{')
        {
            _at++;
            quantifier += '?';
        }
        RefuseQuantifier();
        return atom + quantifier;
    }

    private bool TryQuantifier(out string quantifier)
    {
        quantifier = "";
        if (_at == _source.Length) return false;
        char sign = _source[_at];
        if (sign is '?' or '*' or '+')
        {
            _at++;
            quantifier = sign.ToString();
            return true;
        }
        if (sign != '{') return false;

        int end = _source.IndexOf('}', _at);
        string[] counts = end < 0 ? [] : _source[(_at + 1)..end].Split(',');
        bool good = counts.Length is 1 or 2 && TryCount(counts[0], out int least) && least <= GreatestCount;
        if (counts is [_, not ""]) good &= TryCount(counts[1], out int most) && most <= GreatestCount;
        if (!good) throw Unsupported("{");
        quantifier = _source[_at..(end + 1)];
        _at = end + 1;
        return true;
    }

    private static bool TryCount(string text, out int count) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out count);

    private void RefuseQuantifier()
    {
        if (_at < _source.Length && _source[_at] is '?' or '*' or '+' or '{') throw Unsupported(_source[_at].ToString());
    }

    private string Atom(bool ignoresCase, int depth, out bool varies)
    {
        varies = false;
        char c = _source[_at];
        switch (c)
        {
            case '(': return Group(ignoresCase, depth, out varies);
            case '[': return Class(ignoresCase);
            case '.':
                _at++;
                return ".";
            case '\\' when Shorthand(ignoresCase) is { } shorthand: return shorthand;
            case '?' or '*' or '+' or '{' or '^' or '$': throw Unsupported(c.ToString());
            default:
                char literal = Character();
                return ignoresCase && char.IsAsciiLetter(literal) ? $"[{CasesOf(literal)}]" : Escaped(literal);
        }
    }

    private string Group(bool ignoresCase, int depth, out bool varies)
    {
        foreach (string opening in (string[])["(?:", "(?i:", "(?=", "(?!", "(?<=", "(?<!", "(?>"])
        {
            if (string.CompareOrdinal(_source, _at, opening, 0, opening.Length) != 0) continue;
            _at += opening.Length;
            string inner = Alternatives(ignoresCase || opening == "(?i:", depth + 1, out varies);
            if (_at == _source.Length) throw new FormatException("it lacks a ')'");
            _at++;
            return (opening == "(?i:" ? "(?:" : opening) + inner + ")";
        }
        if (string.CompareOrdinal(_source, _at, "(?", 0, 2) == 0) throw Unsupported(_source[_at..Math.Min(_source.Length, _at + 4)]);

        // Captures are not used, so a plain group becomes one that does not capture.
        _at++;
        string captured = Alternatives(ignoresCase, depth + 1, out varies);
        if (_at == _source.Length) throw new FormatException("it lacks a ')'");
        _at++;
        return $"(?:{captured})";
    }

    private string Class(bool ignoresCase)
    {
        var translation = new StringBuilder("[");
        _at++;
        if (_at < _source.Length && _source[_at] == '^')
        {
            translation.Append('^');
            _at++;
        }
        int start = _at;
        for (; ; )
        {
            if (_at == _source.Length) throw new FormatException("it lacks a ']'");
            char c = _source[_at];
            if (c == ']' && _at > start) break;
            if (c is '[' or ']' || (c == '&' && _at + 1 < _source.Length && _source[_at + 1] == '&')) throw Unsupported(c.ToString());
            if (c == '\\' && Shorthand(ignoresCase) is { } shorthand)
            {
                translation.Append(shorthand);
                if (_at + 1 < _source.Length && _source[_at] == '-' && _source[_at + 1] != ']') throw Unsupported("-");
                continue;
            }
            char first = Character();
            if (_at + 1 >= _source.Length || _source[_at] != '-' || _source[_at + 1] == ']')
            {
                translation.Append(ignoresCase && char.IsAsciiLetter(first) ? CasesOf(first) : Escaped(first));
                continue;
            }
            _at++;
            char last = Character();
            if (last < first || ignoresCase) throw Unsupported($"{first}-{last}");
            _named.Add((first, last));
            translation.Append(Escaped(first)).Append('-').Append(Escaped(last));
        }
        _at++;
        return translation.Append(']').ToString();
    }

    /// <summary>Translates an escape that stands for a set of characters; null if it stands for one character.</summary>
    private string? Shorthand(bool ignoresCase)
    {
        char kind = _at + 1 < _source.Length ? _source[_at + 1] : '\0';
        if (kind is 's' or 'S' or 'd' or 'D')
        {
            _at += 2;
            return $"\\{kind}";
        }
        if (kind is not ('p' or 'P')) return null;

        int end = _source.IndexOf('}', _at);
        string name = end > _at + 2 && _source[_at + 2] == '{' ? _source[(_at + 3)..end] : "";
        bool negated = name.StartsWith('^');
        if (negated) name = name[1..];
        string whole = end < 0 ? _source[_at..] : _source[_at..(end + 1)];
        if (!_categories.Contains(name)) throw Unsupported(whole);

        // Oniguruma adds the other case of every character to the category, such as the mark U+0345, an iota below, to the letters.
        if (ignoresCase) throw new FormatException($"it ignores the case of '{whole}', which is not supported");
        _at = end + 1;
        return $"\\{(negated == (kind == 'P') ? 'p' : 'P')}{{{name}}}";
    }

    private char Character()
    {
        if (_at == _source.Length) throw new FormatException("it ends too early");
        char c = _source[_at++];
        if (c == '\\')
        {
            char escaped = _at < _source.Length ? _source[_at++] : '\0';
            c = escaped switch
            {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'f' => '\f',
                'v' => '\v',
                _ when escaped is > ' ' and < '\x7F' && !char.IsAsciiLetterOrDigit(escaped) => escaped,
                _ => throw Unsupported($"\\{escaped}"),
            };
        }
        if (char.IsSurrogate(c)) throw new FormatException("it names a character beyond U+FFFF, which is not supported");
        _named.Add((c, c));
        return c;
    }

    // U+017F and U+212A are the long s and the sign for kelvin, whose other cases are s and k.
    private string CasesOf(char letter)
    {
        string cases = $"{char.ToLowerInvariant(letter)}{char.ToUpperInvariant(letter)}" + char.ToLowerInvariant(letter) switch
        {
            's' => "\u017F",
            'k' => "\u212A",
            _ => "",
        };
        foreach (char c in cases) _named.Add((c, c));
        return cases;
    }

    private static string Escaped(char c) => char.IsAsciiLetterOrDigit(c) ? c.ToString() : $"\\u{(int)c:X4}";

    private FormatException Unsupported(string what) => new($"it has '{what}', which is not supported");
}
