using System.Globalization;
using System.Text;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>
/// One UTF-16 unit for every character beyond U+FFFF, so that .NET's regular expressions match such characters as one. Characters of one
/// category that lie within the same ranges of an expression share a unit.
/// </summary>
/// <remarks>The units are surrogates, which well-formed text has only in pairs.</remarks>
internal sealed class AstralUnits
{
    private const int Categories = 30, FirstAstral = 0x10000, AfterAstral = 0x110000, FirstUnit = 0xD800, Units = 0x800;

    // The intervals between all ends of ranges: the first begins at U+10000.
    private readonly int[] _starts;

    /// <summary>Makes units for an expression.</summary>
    /// <param name="ranges">The ranges beyond U+FFFF that the expression names.</param>
    /// <exception cref="FormatException">There are too many ranges.</exception>
    public AstralUnits(IEnumerable<(int First, int Last)> ranges)
    {
        _starts = [.. ranges.SelectMany(range => (int[])[range.First, range.Last + 1])
            .Append(FirstAstral).Where(start => start < AfterAstral).Distinct().Order()];
        if (_starts.Length * Categories > Units)
            throw new FormatException($"it names more than {Units / Categories / 2} ranges of characters beyond U+FFFF");
    }

    /// <summary>Returns the unit of a character beyond U+FFFF.</summary>
    public char Of(Rune rune)
    {
        int found = Array.BinarySearch(_starts, rune.Value);
        return Unit(found >= 0 ? found : ~found - 1, (int)Rune.GetUnicodeCategory(rune));
    }

    /// <summary>Returns the units of the categories' characters, as part of a class.</summary>
    public string OfCategories(IReadOnlySet<UnicodeCategory> categories)
    {
        var units = new StringBuilder();
        for (int interval = 0; interval < _starts.Length; interval++)
            foreach (UnicodeCategory category in categories.Order()) units.Append(Escaped(Unit(interval, (int)category)));
        return units.ToString();
    }

    /// <summary>Returns the units of one of the ranges, as part of a class.</summary>
    public string OfRange(int first, int last)
    {
        var units = new StringBuilder();
        for (int interval = 0; interval < _starts.Length; interval++)
            if (_starts[interval] >= first && _starts[interval] <= last)
                units.Append(Escaped(Unit(interval, 0))).Append('-').Append(Escaped(Unit(interval, Categories - 1)));
        return units.ToString();
    }

    private static char Unit(int interval, int category) => (char)(FirstUnit + interval * Categories + category);

    private static string Escaped(char unit) => $"\\u{(int)unit:X4}";
}
