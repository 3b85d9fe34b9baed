using System.Text;

namespace Microsoft.ML.Reversible.Tests.Tokenizers;

/// <summary>
/// Random text of the kinds for which tokenizers differ: runs of a character, mixed scripts, unusual spaces, special tokens as text.
/// </summary>
internal static class MixedText
{
    private const int LongestText = 200;

    // Latin, Cyrillic, Greek, Han, kana, Thai, Arabic, Devanagari, Hangul, mathematical letters and digits of the astral planes, Gothic.
    private static readonly (int First, int Last)[] _scripts =
    [
        ('a', 'z'), ('a', 'z'), ('a', 'z'), ('A', 'Z'), (0xC0, 0x24F), (0x400, 0x4FF), (0x370, 0x3FF), (0x4E00, 0x9FFF), (0x3041, 0x30FF),
        (0xE01, 0xE5B), (0x621, 0x6FF), (0x900, 0x97F), (0xAC00, 0xD7A3), (0x1D400, 0x1D7FF), (0x10330, 0x1034A), (0x20000, 0x2A6DF),
    ];

    private static readonly string[] _spaces =
    [
        " ", " ", " ", "  ", "\n", "\n\n", "\r\n", "\t", " \n", "\u00A0", "\u2003", "\u3000", "\u200B", "\u2009", "\u202F", "\u1680",
        "\u0085", "\u2028", "\v", "\f", "\u180E", "\uFEFF", "\u001C", "\u2581",
    ];

    private static readonly string[] _pieces =
    [
        "'s", "'LL", "'ll", "'re", "'VE", "'d", "'t", "\u2019s", "don't", "I'M", "<s>", "</s>", "<unk>", "<|endoftext|>", "<|im_start|>",
        "<0x0A>", "<pad>", "<|begin_of_text|>", "👩\u200D👩\u200D👧", "👍🏽", "🇩🇪", "❤\uFE0F", "e\u0301", "a\u0308\u0323", "q\u0307",
        "Å", "\u212B", "½", "²", "Ⅻ", "٣", "৪", "ǅ", "İ", "ß", "ﬁ", "—", "…", "\0", "\u007F", "\uFFFD", "\uE000", "http://", "==", "::",
    ];

    /// <summary>The next text of some numbers: 0 to about 200 UTF-16 units, well formed.</summary>
    public static string Next(Random random)
    {
        int length = random.Next(4) == 0 ? random.Next(LongestText) : random.Next(60);
        var text = new StringBuilder();
        while (text.Length < length) Append(text, random);
        return text.ToString();
    }

    private static void Append(StringBuilder text, Random random)
    {
        switch (random.Next(12))
        {
            case 0 or 1:
                string run = random.Next(3) == 0 ? Pick(random, _spaces) : OneCharacter(random);
                text.Insert(text.Length, run, random.Next(2, random.Next(8) == 0 ? 40 : 9));
                break;
            case 2 or 3 or 4:
                (int first, int last) = _scripts[random.Next(_scripts.Length)];
                for (int left = random.Next(1, 9); left > 0; left--) text.Append(new Rune(random.Next(first, last + 1)));
                break;
            case 5 or 6 or 7:
                text.Append(Pick(random, _spaces));
                break;
            case 8:
                for (int left = random.Next(1, 7); left > 0; left--) text.Append((char)('0' + random.Next(10)));
                break;
            case 9:
                text.Append(Pick(random, _pieces));
                break;
            case 10:
                for (int left = random.Next(1, 4); left > 0; left--) text.Append("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"[random.Next(32)]);
                break;
            default:
                text.Append(AnyRune(random));
                break;
        }
    }

    private static string OneCharacter(Random random) => random.Next(4) switch
    {
        0 => AnyRune(random).ToString(),
        1 => "!.-=*_#'?~"[random.Next(10)].ToString(),
        _ => ((char)random.Next('a', 'z' + 1)).ToString(),
    };

    private static Rune AnyRune(Random random) => random.Next(3) switch
    {
        0 => new Rune(random.Next(0x250)),
        1 => new Rune(random.Next(0x80, 0xD800)),
        _ => new Rune(random.Next(0xE000, 0x110000)),
    };

    private static string Pick(Random random, string[] texts) => texts[random.Next(texts.Length)];
}
