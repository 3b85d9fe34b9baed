using System.Buffers;
using System.Text;

namespace Microsoft.ML.Reversible.Language;

/// <summary>String methods of Python that differ from .NET's.</summary>
internal static class PythonText
{
    /// <summary>Removes white space at both ends, as <c>strip</c> does.</summary>
    public static string Strip(string text) => StripStart(StripEnd(text));

    /// <summary>Removes white space at the end, as <c>rstrip</c> does.</summary>
    public static string StripEnd(string text)
    {
        int end = text.Length;
        while (end > 0 && IsSpace(text[end - 1])) end--;
        return text[..end];
    }

    /// <summary>Removes white space at the start, as <c>lstrip</c> does.</summary>
    public static string StripStart(string text)
    {
        int start = 0;
        while (start < text.Length && IsSpace(text[start])) start++;
        return text[start..];
    }

    /// <summary>
    /// Converts the first letter to upper case and the others to lower case, as <c>capitalize</c> does, except that a letter whose upper
    /// case has several letters is not changed.
    /// </summary>
    public static string Capitalize(string text)
    {
        bool isRune = Rune.DecodeFromUtf16(text, out Rune first, out int length) == OperationStatus.Done;
        return !isRune ? text.ToLowerInvariant() : Rune.ToUpperInvariant(first) + text[length..].ToLowerInvariant();
    }

    /// <summary>
    /// Returns whether Python treats a character as white space. Unlike .NET, this includes the four separators of ASCII.
    /// </summary>
    public static bool IsSpace(char character) => char.IsWhiteSpace(character) || character is >= '\u001c' and <= '\u001f';
}
