using System.Runtime.InteropServices;
using System.Text;

namespace Microsoft.ML.Reversible.Evaluation;

/// <summary>
/// Reads a benchmark's file line by line in bounded memory, whatever stands in it: lines end at <c>\n</c> or <c>\r\n</c>, the text is
/// UTF-8.
/// </summary>
internal static class SourceFile
{
    /// <summary>The largest file; the largest benchmark here has 50 MB, and rows are kept in memory.</summary>
    public const long MostBytes = 256L << 20;

    /// <summary>The longest line; a row of a benchmark has some thousand bytes.</summary>
    public const int MostLineBytes = 1 << 20;

    private static readonly UTF8Encoding _utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The lines, the empty ones too; what comes after the last line's end is one as well, mostly an empty one.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file or a line is too long, or is not text.</exception>
    public static IEnumerable<SourceLine> Lines(string path)
    {
        if (!File.Exists(path)) throw new FileNotFoundException($"There is no file '{path}'.", path);
        if (new FileInfo(path).Length > MostBytes)
            throw new InvalidDataException($"{path} is larger than {MostBytes >> 20} MiB, more than any benchmark here: split it.");
        return Read(path);
    }

    private static IEnumerable<SourceLine> Read(string path)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1 << 16, FileOptions.SequentialScan);
        var bytes = new List<byte>();
        var buffer = new byte[1 << 16];
        int number = 1;
        for (int count = SkipMark(buffer, file.ReadAtLeast(buffer, 4, throwOnEndOfStream: false)); count > 0; count = file.Read(buffer))
        {
            for (int start = 0; start < count;)
            {
                int length = buffer.AsSpan(start, count - start).IndexOf((byte)'\n');
                int end = length < 0 ? count : start + length;
                if (bytes.Count + (end - start) > MostLineBytes)
                    throw new SourceLine(path, number, "").Broken($"is longer than {MostLineBytes >> 20} MiB.");
                bytes.AddRange(buffer.AsSpan(start, end - start));
                start = end + 1;
                if (length < 0) break;
                yield return Line(path, number++, bytes);
                bytes.Clear();
            }
        }
        yield return Line(path, number, bytes);
    }

    /// <summary>Drops the mark that some editors put before UTF-8.</summary>
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
        if (text.Contains((byte)0)) throw new SourceLine(path, number, "").Broken("holds a NUL, so this is not a text file in UTF-8.");
        try
        {
            return new SourceLine(path, number, _utf8.GetString(text));
        }
        catch (DecoderFallbackException e)
        {
            throw new SourceLine(path, number, "").Broken("is not text in UTF-8.", e);
        }
    }
}
