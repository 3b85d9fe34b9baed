using System.Text;

namespace Microsoft.ML.Tokenizers;

/// <summary>GPT-2's printable characters for the 256 byte values: printable Latin-1 is itself, the rest counts up from U+0100.</summary>
internal static class ByteAlphabet
{
    private static readonly char[] _charOfByte = BuildCharOfByte();
    private static readonly Dictionary<char, byte> _byteOfChar =
        Enumerable.Range(0, 256).ToDictionary(value => _charOfByte[value], value => (byte)value);

    /// <summary>The units of a text and, for each, the index of the UTF-16 unit it comes from.</summary>
    public static (string Units, int[] CharIndex) Encode(ReadOnlySpan<char> text)
    {
        var units = new StringBuilder(text.Length + 8);
        var charIndex = new List<int>(text.Length + 8);
        for (var i = 0; i < text.Length; i++)
        {
            var start = i;
            int code = text[i];
            if (i + 1 < text.Length && char.IsSurrogatePair(text[i], text[i + 1]))
                code = char.ConvertToUtf32(text[i], text[++i]);

            // An unpaired surrogate goes through the three-byte form, as in the real package, where Encoding.UTF8 would replace it.
            var tail = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
            var lead = tail switch { 0 => 0, 1 => 0xC0, 2 => 0xE0, _ => 0xF0 };
            units.Append(_charOfByte[lead | code >> 6 * tail]);
            for (var shift = tail - 1; shift >= 0; shift--)
                units.Append(_charOfByte[0x80 | code >> 6 * shift & 0x3F]);
            for (var n = 0; n <= tail; n++)
                charIndex.Add(start);
        }

        return (units.ToString(), charIndex.ToArray());
    }

    /// <summary>Appends the bytes a token stands for; characters outside the alphabet, which a special token may hold, as UTF-8.</summary>
    public static void Decode(string token, List<byte> bytes)
    {
        foreach (var c in token)
            if (_byteOfChar.TryGetValue(c, out var value))
                bytes.Add(value);
            else
                bytes.AddRange(Encoding.UTF8.GetBytes([c]));
    }

    private static char[] BuildCharOfByte()
    {
        var next = 256;
        return Enumerable.Range(0, 256)
            .Select(value => value is >= '!' and <= '~' or >= 0xA1 and <= 0xAC or >= 0xAE ? (char)value : (char)next++)
            .ToArray();
    }
}
