using System.Globalization;
using System.Text;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>A set of characters in .NET's syntax.</summary>
/// <param name="Members">The set as part of a class.</param>
/// <param name="Others">All other characters as part of a class; null where there is no short way to write them.</param>
/// <param name="MoreAlone">Further members, as part of a class, that the set has where it is not part of a class itself.</param>
internal readonly record struct CharacterSet(string Members, string? Others, string MoreAlone = "");

/// <summary>The sets of characters that expressions of tokenizer.json name, where characters beyond U+FFFF are one unit each.</summary>
/// <param name="named">The ranges beyond U+FFFF that the expression names.</param>
internal sealed class CharacterSets(IEnumerable<(int First, int Last)> named)
{
    /// <summary>The name of the set of words' characters.</summary>
    public const string Word = "w";

    private const int LastOfPlane = 0xFFFF;

    private static readonly Dictionary<string, UnicodeCategory> _categories = new()
    {
        ["Lu"] = UnicodeCategory.UppercaseLetter, ["Ll"] = UnicodeCategory.LowercaseLetter, ["Lt"] = UnicodeCategory.TitlecaseLetter,
        ["Lm"] = UnicodeCategory.ModifierLetter, ["Lo"] = UnicodeCategory.OtherLetter, ["Mn"] = UnicodeCategory.NonSpacingMark,
        ["Mc"] = UnicodeCategory.SpacingCombiningMark, ["Me"] = UnicodeCategory.EnclosingMark, ["Nd"] = UnicodeCategory.DecimalDigitNumber,
        ["Nl"] = UnicodeCategory.LetterNumber, ["No"] = UnicodeCategory.OtherNumber, ["Zs"] = UnicodeCategory.SpaceSeparator,
        ["Zl"] = UnicodeCategory.LineSeparator, ["Zp"] = UnicodeCategory.ParagraphSeparator, ["Cc"] = UnicodeCategory.Control,
        ["Cf"] = UnicodeCategory.Format, ["Co"] = UnicodeCategory.PrivateUse, ["Cn"] = UnicodeCategory.OtherNotAssigned,
        ["Pc"] = UnicodeCategory.ConnectorPunctuation, ["Pd"] = UnicodeCategory.DashPunctuation, ["Ps"] = UnicodeCategory.OpenPunctuation,
        ["Pe"] = UnicodeCategory.ClosePunctuation, ["Pi"] = UnicodeCategory.InitialQuotePunctuation,
        ["Pf"] = UnicodeCategory.FinalQuotePunctuation, ["Po"] = UnicodeCategory.OtherPunctuation, ["Sm"] = UnicodeCategory.MathSymbol,
        ["Sc"] = UnicodeCategory.CurrencySymbol, ["Sk"] = UnicodeCategory.ModifierSymbol, ["So"] = UnicodeCategory.OtherSymbol,
    };

    // Oniguruma takes \w for characters up to U+00FF from another table, which has these numbers, unless it is in a class.
    private const string WordNumbers = @"\u00B2\u00B3\u00B9\u00BC-\u00BE";

    // Letters in circles and squares, which are symbols.
    private static readonly (int First, int Last)[] _wordSymbols =
        [(0x24B6, 0x24E9), (0x1F130, 0x1F149), (0x1F150, 0x1F169), (0x1F170, 0x1F189)];

    private static readonly (int First, int Last)[] _han =
    [
        (0x2E80, 0x2E99), (0x2E9B, 0x2EF3), (0x2F00, 0x2FD5), (0x3005, 0x3005), (0x3007, 0x3007), (0x3021, 0x3029), (0x3038, 0x303B),
        (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFA6D), (0xFA70, 0xFAD9), (0x16FE2, 0x16FE3), (0x16FF0, 0x16FF1),
        (0x20000, 0x2A6DF), (0x2A700, 0x2B739), (0x2B740, 0x2B81D), (0x2B820, 0x2CEA1), (0x2CEB0, 0x2EBE0), (0x2EBF0, 0x2EE5D),
        (0x2F800, 0x2FA1D), (0x30000, 0x3134A), (0x31350, 0x323AF),
    ];

    private readonly HashSet<(int First, int Last)> _named = [];

    /// <summary>The ranges beyond U+FFFF that have been asked for.</summary>
    public IReadOnlySet<(int First, int Last)> Named => _named;

    /// <summary>The units that stand for characters beyond U+FFFF.</summary>
    public AstralUnits Units { get; } = new(named);

    /// <summary>Returns a set by the name of a category or a script, or by the letter of its escape; null if it is not known.</summary>
    public CharacterSet? Find(string name) => name switch
    {
        // No white space is beyond U+FFFF.
        "s" => new(@"\s", @"\S"),
        "d" => OfCategories(["Nd"]),
        Word => OfWords(),
        "Han" => OfRanges(_han),
        { Length: 1 } => OfCategories([.. _categories.Keys.Where(category => category[0] == name[0])]),
        _ => OfCategories([.. _categories.Keys.Where(category => category == name)]),
    };

    /// <summary>Returns a range of characters as part of a class.</summary>
    public string OfRange(int first, int last)
    {
        var members = new StringBuilder();
        // Surrogates are no characters, but the units of some.
        if (first < 0xD800) members.Append(Range(first, Math.Min(last, 0xD7FF)));
        if (first <= LastOfPlane && last > 0xDFFF) members.Append(Range(Math.Max(first, 0xE000), Math.Min(last, LastOfPlane)));
        if (last <= LastOfPlane) return members.ToString();
        (int From, int To) beyond = (Math.Max(first, LastOfPlane + 1), last);
        _named.Add(beyond);
        return members.Append(Units.OfRange(beyond.From, beyond.To)).ToString();
    }

    /// <summary>Returns a unit of the text to match as .NET's expressions write it.</summary>
    public static string Escaped(int unit) =>
        unit < 128 && char.IsAsciiLetterOrDigit((char)unit) ? ((char)unit).ToString() : $"\\u{unit:X4}";

    private CharacterSet? OfCategories(IReadOnlyCollection<string> names) =>
        names.Count == 0 ? null : new(Members(names), Members([.. _categories.Keys.Except(names)]));

    private CharacterSet OfWords()
    {
        string[] names = [.. _categories.Keys.Where(name => name[0] is 'L' or 'M' || name is "Nd" or "Nl" or "Pc")];
        return new(Members(names) + Members(_wordSymbols), Others: null, WordNumbers);
    }

    private CharacterSet OfRanges((int First, int Last)[] ranges)
    {
        var others = new StringBuilder();
        int next = 0;
        foreach ((int first, int last) in ranges)
        {
            if (first > next) others.Append(OfRange(next, first - 1));
            next = last + 1;
        }
        return new(Members(ranges), others.Append(OfRange(next, 0x10FFFF)).ToString());
    }

    private string Members((int First, int Last)[] ranges) => string.Concat(ranges.Select(range => OfRange(range.First, range.Last)));

    private string Members(IReadOnlyCollection<string> categories) =>
        string.Concat(categories.Select(name => $"\\p{{{name}}}"))
        + Units.OfCategories(categories.Select(name => _categories[name]).ToHashSet());

    private static string Range(int first, int last) => first == last ? Escaped(first) : $"{Escaped(first)}-{Escaped(last)}";
}
