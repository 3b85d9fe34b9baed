using System.Buffers;
using System.Text;

namespace Microsoft.ML.Reversible.Language;

/// <summary>What Python's methods on strings do, where .NET's do something else.</summary>
internal static class PythonText
{
    /// <summary><c>strip</c>.</summary>
    public static string Strip(string text)
    {
        int end = text.Length;
        while (end > 0 && IsSpace(text[end - 1])) end--;
        return StripStart(text[..end]);
    }

    /// <summary><c>lstrip</c>.</summary>
    public static string StripStart(string text)
    {
        int start = 0;
        while (start < text.Length && IsSpace(text[start])) start++;
        return text[start..];
    }

    /// <summary>
    /// <c>capitalize</c>: the first letter large, the others small. Letters whose capital is several letters stay as they are, where
    /// Python writes those.
    /// </summary>
    public static string Capitalize(string text)
    {
        bool isRune = Rune.DecodeFromUtf16(text, out Rune first, out int length) == OperationStatus.Done;
        return !isRune ? text.ToLowerInvariant() : Rune.ToUpperInvariant(first) + text[length..].ToLowerInvariant();
    }

    /// <summary>Whether a character is white space; unlike .NET, Python counts the four separators of ASCII among it.</summary>
    public static bool IsSpace(char character) => char.IsWhiteSpace(character) || character is >= '\u001c' and <= '\u001f';
}
