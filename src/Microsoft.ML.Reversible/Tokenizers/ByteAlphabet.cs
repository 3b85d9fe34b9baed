using System.Text;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>GPT-2's alphabet of 256 printable characters, in which vocab.json and merges.txt write bytes.</summary>
internal static class ByteAlphabet
{
    private static readonly char[] _chars = BuildChars();
    private static readonly Dictionary<char, byte> _values =
        Enumerable.Range(0, 256).ToDictionary(value => _chars[value], value => (byte)value);

    /// <summary>Returns the character of a byte.</summary>
    public static char Char(byte value) => _chars[value];

    /// <summary>Returns bytes as characters.</summary>
    public static string Write(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder(bytes.Length);
        foreach (byte value in bytes) text.Append(_chars[value]);
        return text.ToString();
    }

    /// <summary>Returns whether every character of a token stands for a byte.</summary>
    public static bool Covers(string token) => token.All(_values.ContainsKey);

    /// <summary>Returns the bytes of a token that the alphabet covers.</summary>
    public static byte[] Read(string token) => [.. token.Select(c => _values[c])];

    // Printable Latin-1 stands for itself; the other bytes, in order, take the characters from U+0100 on.
    private static char[] BuildChars()
    {
        var chars = new char[256];
        char next = '\u0100';
        for (int value = 0; value < 256; value++)
        {
            bool printable = value is >= 0x21 and <= 0x7E or >= 0xA1 and <= 0xAC or >= 0xAE;
            chars[value] = printable ? (char)value : next++;
        }
        return chars;
    }
}
