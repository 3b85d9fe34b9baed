using System.Globalization;
using System.Text;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>
/// Translates a regular expression from Oniguruma's syntax to .NET's. Refuses what the two match differently.
/// </summary>
/// <remarks>
/// Supported are characters and their escapes, <c>.</c>, classes, <c>\s \S \d \D \w \W</c>, general categories such as <c>\p{L}</c>, the
/// script <c>\p{Han}</c>, the places <c>^ $ \A \z \b \B</c>, groups <c>(?:)</c> and <c>(?i:)</c>, look-arounds, atomic groups,
/// alternatives, greedy, lazy and possessive quantifiers.
/// </remarks>
internal sealed class OnigurumaSyntax
{
    private const int LongestExpression = 4096;
    private const int GreatestCount = 1000;
    private const int DeepestGroup = 50;

    // Two letters that one character beyond ASCII matches when case is ignored: ß matches ss, ligatures the others.
    private static readonly string[] _foldedPairs = ["ss", "ff", "fi", "fl", "st"];

    private readonly string _source;
    private readonly CharacterSets _sets;
    private int _at;

    private OnigurumaSyntax(string source, CharacterSets sets) => (_source, _sets) = (source, sets);

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
        // The first pass finds the ranges beyond U+FFFF that the second one needs units for.
        var ranges = new CharacterSets([]);
        new OnigurumaSyntax(expression, ranges).TranslateAll();
        var syntax = new OnigurumaSyntax(expression, new CharacterSets(ranges.Named));
        syntax.Translation = syntax.TranslateAll();
        return syntax;
    }

    /// <summary>Returns the unit that stands for a character beyond U+FFFF in the text to match.</summary>
    public char UnitOf(Rune rune) => _sets.Units.Of(rune);

    private string TranslateAll()
    {
        string translation = Alternatives(ignoresCase: false, depth: 0, out _);
        return _at == _source.Length ? translation : throw Unsupported(")");
    }

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
            case '^':
                _at++;
                return @"(?:\A|(?<=\n)(?!\z))";
            case '$':
                _at++;
                return @"(?=\n|\z)";
            case '\\' when Place() is { } place: return place;
            case '\\' when Set(ignoresCase, inClass: false) is { } set: return set;
            case '?' or '*' or '+' or '{': throw Unsupported(c.ToString());
            default:
                int literal = Character(ignoresCase);
                return ignoresCase && literal < 128 && char.IsAsciiLetter((char)literal)
                    ? $"[{CasesOf((char)literal)}]"
                    : literal > char.MaxValue ? $"[{_sets.OfRange(literal, literal)}]" : CharacterSets.Escaped(literal);
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
            if (c == '\\' && Set(ignoresCase, inClass: true) is { } set)
            {
                translation.Append(set);
                if (_at + 1 < _source.Length && _source[_at] == '-' && _source[_at + 1] != ']') throw Unsupported("-");
                continue;
            }
            int first = Character(ignoresCase), last = first;
            if (_at + 1 < _source.Length && _source[_at] == '-' && _source[_at + 1] != ']')
            {
                _at++;
                last = Character(ignoresCase);
                if (last < first || ignoresCase) throw Unsupported($"{new Rune(first)}-{new Rune(last)}");
            }
            translation.Append(
                ignoresCase && first < 128 && char.IsAsciiLetter((char)first) ? CasesOf((char)first) : _sets.OfRange(first, last));
        }
        _at++;
        return translation.Append(']').ToString();
    }

    /// <summary>Translates an escape that stands for a place; null if it is another.</summary>
    private string? Place()
    {
        string? place = (_at + 1 < _source.Length ? _source[_at + 1] : '\0') switch
        {
            'A' => @"\A",
            'z' => @"\z",
            'b' => Between(CharacterSets.Word),
            'B' => $"(?!{Between(CharacterSets.Word)})",
            _ => null,
        };
        if (place is not null) _at += 2;
        return place;

        string Between(string word)
        {
            CharacterSet set = _sets.Find(word)!.Value;
            string members = $"[{set.Members}{set.MoreAlone}]";
            return $"(?:(?<={members})(?!{members})|(?<!{members})(?={members}))";
        }
    }

    /// <summary>Translates an escape that stands for a set of characters; null if it stands for one character.</summary>
    private string? Set(bool ignoresCase, bool inClass)
    {
        char kind = _at + 1 < _source.Length ? _source[_at + 1] : '\0';
        if (kind is 's' or 'S' or 'd' or 'D' or 'w' or 'W')
        {
            _at += 2;
            return Written(_sets.Find(char.ToLowerInvariant(kind).ToString())!.Value, char.IsUpper(kind), $"\\{kind}");
        }
        if (kind is not ('p' or 'P')) return null;

        int end = _source.IndexOf('}', _at);
        string name = end > _at + 2 && _source[_at + 2] == '{' ? _source[(_at + 3)..end] : "";
        bool negated = name.StartsWith('^');
        if (negated) name = name[1..];
        string whole = end < 0 ? _source[_at..] : _source[_at..(end + 1)];
        if (name.Length < 1 || !char.IsUpper(name[0]) || _sets.Find(name) is not { } set) throw Unsupported(whole);

        // Oniguruma adds the other case of every character to the category, such as the mark U+0345, an iota below, to the letters.
        if (ignoresCase) throw new FormatException($"it ignores the case of '{whole}', which is not supported");
        _at = end + 1;
        return Written(set, negated != (kind == 'P'), whole);

        string Written(CharacterSet named, bool isNegated, string source) => (inClass, isNegated) switch
        {
            (true, false) => named.Members,
            (true, true) => named.Others ?? throw Unsupported($"{source} in a class"),
            _ => $"[{(isNegated ? "^" : "")}{named.Members}{named.MoreAlone}]",
        };
    }

    private int Character(bool ignoresCase)
    {
        if (_at == _source.Length) throw new FormatException("it ends too early");
        if (!Rune.TryGetRuneAt(_source, _at, out Rune rune)) throw new FormatException("it is not well-formed text");
        _at += rune.Utf16SequenceLength;
        if (rune.Value == '\\')
        {
            char escaped = _at < _source.Length ? _source[_at++] : '\0';
            return escaped switch
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
        if (ignoresCase && !rune.IsBmp) throw new FormatException($"it ignores the case of '{rune}', which is not supported");
        return rune.Value;
    }

    // U+017F and U+212A are the long s and the sign for kelvin, whose other cases are s and k.
    private static string CasesOf(char letter) =>
        $"{char.ToLowerInvariant(letter)}{char.ToUpperInvariant(letter)}" + char.ToLowerInvariant(letter) switch
        {
            's' => "\u017F",
            'k' => "\u212A",
            _ => "",
        };

    private FormatException Unsupported(string what) => new($"it has '{what}', which is not supported");
}
