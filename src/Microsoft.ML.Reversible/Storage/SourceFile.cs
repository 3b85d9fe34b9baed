using System.Runtime.InteropServices;
using System.Text;

namespace Microsoft.ML.Reversible.Storage;

/// <summary>
/// Reads a file of data line by line, in bounded memory for any content. Lines end with <c>\n</c> or <c>\r\n</c>; the text is UTF-8.
/// </summary>
internal static class SourceFile
{
    /// <summary>The maximum size of a benchmark's file. The largest has 50 MB, and rows are kept in memory.</summary>
    public const long MostBytes = 256L << 20;

    /// <summary>The maximum length of a benchmark's line. A row has a few thousand bytes.</summary>
    public const int MostLineBytes = 1 << 20;

    private static readonly UTF8Encoding _utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Reads the lines, including empty ones. The text after the last line end counts as a line, even if it is empty.</summary>
    /// <param name="path">The file.</param>
    /// <param name="mostBytes">The maximum size of the file.</param>
    /// <param name="mostLineBytes">The maximum length of a line.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file or a line is too long, or is not text.</exception>
    public static IEnumerable<SourceLine> Lines(string path, long mostBytes = MostBytes, int mostLineBytes = MostLineBytes)
    {
        if (!File.Exists(path)) throw new FileNotFoundException($"The file '{path}' does not exist.", path);
        if (new FileInfo(path).Length > mostBytes)
            throw new InvalidDataException($"{path} is larger than {mostBytes >> 20} MiB, the maximum size. Split it.");
        return Read(path, mostLineBytes);
    }

    private static IEnumerable<SourceLine> Read(string path, int mostLineBytes)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1 << 16, FileOptions.SequentialScan);
        var bytes = new List<byte>();
        var buffer = new byte[1 << 16];
        int number = 1;
        int first = file.ReadAtLeast(buffer, FileStart.Length, throwOnEndOfStream: false);
        if (first > 0 && FileStart.Fault(buffer.AsSpan(0, first)) is { } fault) throw new InvalidDataException($"{path}: {fault}.");
        for (int count = SkipMark(buffer, first); count > 0; count = file.Read(buffer))
        {
            for (int start = 0; start < count;)
            {
                int length = buffer.AsSpan(start, count - start).IndexOf((byte)'\n');
                int end = length < 0 ? count : start + length;
                if (bytes.Count + (end - start) > mostLineBytes)
                    throw new SourceLine(path, number, "").Broken($"is longer than {mostLineBytes >> 20} MiB.");
                bytes.AddRange(buffer.AsSpan(start, end - start));
                start = end + 1;
                if (length < 0) break;
                yield return Line(path, number++, bytes);
                bytes.Clear();
            }
        }
        yield return Line(path, number, bytes);
    }

    /// <summary>Skips the byte order mark, which some editors write.</summary>
    private static int SkipMark(byte[] buffer, int count)
    {
        if (!buffer.AsSpan(0, count).StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF])) return count;
        buffer.AsSpan(3, count - 3).CopyTo(buffer);
        return count - 3;
    }

    private static SourceLine Line(string path, int number, List<byte> bytes)
    {
        Span<byte> text = CollectionsMarshal.AsSpan(bytes);
        if (text.EndsWith("\r"u8)) text = text[..^1];
        if (text.Contains((byte)0)) throw new SourceLine(path, number, "").Broken("has a NUL character, so the file is not UTF-8 text.");
        try
        {
            return new SourceLine(path, number, _utf8.GetString(text));
        }
        catch (DecoderFallbackException e)
        {
            throw new SourceLine(path, number, "").Broken("is not UTF-8 text.", e);
        }
    }
}

/// <summary>A line of a file, with its position for messages.</summary>
/// <param name="Path">The file.</param>
/// <param name="Number">The line's number, counted from 1.</param>
/// <param name="Text">The line without its end.</param>
internal sealed record SourceLine(string Path, int Number, string Text)
{
    private const int MostShown = 80;

    /// <summary>Returns the exception for a problem with the line.</summary>
    public InvalidDataException Broken(string problem, Exception? cause = null) => new($"{Path}, line {Number}: {problem}", cause);

    /// <summary>Shortens a piece of a line for a message.</summary>
    public static string Shown(string text) => text.Length <= MostShown ? text : string.Concat(text.AsSpan(0, MostShown), "...");
}
