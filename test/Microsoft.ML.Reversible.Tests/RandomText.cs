using System.Text;

namespace Microsoft.ML.Reversible.Tests;

/// <summary>Well-formed random text over all of Unicode, weighted so that words, white space and astral characters all turn up.</summary>
internal static class RandomText
{
    public static string Next(Random random, int maximumRunes)
    {
        var text = new StringBuilder();
        for (var left = random.Next(maximumRunes + 1); left > 0; left--)
            text.Append(NextRune(random));
        return text.ToString();
    }

    private static Rune NextRune(Random random) => random.Next(6) switch
    {
        0 => new Rune(" \t\r\n'.,"[random.Next(7)]),
        1 or 2 => new Rune('a' + random.Next(26)),
        3 => new Rune(random.Next(0x80)),
        4 => new Rune(random.Next(0x80, 0xD800)),
        _ => new Rune(random.Next(0xE000, 0x110000)),
    };
}
