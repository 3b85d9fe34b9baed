using System.Runtime.InteropServices;
using System.Text;
using Microsoft.ML.Reversible.Storage;

namespace Microsoft.ML.Reversible.Evaluation;

/// <summary>
/// Reads a benchmark's file line by line, in bounded memory for any content. Lines end with <c>\n</c> or <c>\r\n</c>; the text
/// is UTF-8.
/// </summary>
internal static class SourceFile
{
    /// <summary>The maximum size of a file. The largest benchmark has 50 MB, and rows are kept in memory.</summary>
    public const long MostBytes = 256L << 20;

    /// <summary>The maximum length of a line. A benchmark's row has a few thousand bytes.</summary>
    public const int MostLineBytes = 1 << 20;

    private static readonly UTF8Encoding _utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Reads the lines, including empty ones. The text after the last line end counts as a line, even if it is empty.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file or a line is too long, or is not text.</exception>
    public static IEnumerable<SourceLine> Lines(string path)
    {
        if (!File.Exists(path)) throw new FileNotFoundException($"The file '{path}' does not exist.", path);
        if (new FileInfo(path).Length > MostBytes)
            throw new InvalidDataException($"{path} is larger than {MostBytes >> 20} MiB, the maximum size. Split it.");
        return Read(path);
    }

    private static IEnumerable<SourceLine> Read(string path)
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

/// <summary>The file with the labels of rows that have none, one per line. It is opened when the first label is read.</summary>
/// <param name="rowsPath">The file of the rows.</param>
/// <param name="givenPath">The file of the labels; null for the one next to the rows, such as <c>valid-labels.lst</c>.</param>
internal sealed class LabelFile(string rowsPath, string? givenPath) : IDisposable
{
    private IEnumerator<SourceLine>? _lines;

    private readonly string _path = givenPath ?? Path.Combine(
        Path.GetDirectoryName(rowsPath) ?? "", Path.GetFileNameWithoutExtension(rowsPath) + "-labels.lst");

    /// <summary>Reads the next row's label.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">There are fewer labels than rows.</exception>
    public Label Next()
    {
        if (_lines is null && !File.Exists(_path))
            throw new FileNotFoundException(
                $"The rows of {rowsPath} have no labels, and there is no file '{_path}' with them. Give its path.", _path);
        _lines ??= SourceFile.Lines(_path).Where(line => line.Text.Trim().Length > 0).GetEnumerator();
        return _lines.MoveNext()
            ? new Label(_lines.Current)
            : throw new InvalidDataException($"{_path} has fewer labels than {rowsPath} has rows.");
    }

    /// <summary>Checks, after the last row, that all labels were used.</summary>
    /// <exception cref="InvalidDataException">Labels are left over, or the given file was not needed.</exception>
    public void End()
    {
        if (_lines is null && givenPath is not null)
            throw new InvalidDataException(
                $"The rows of {rowsPath} have their labels, so those of {givenPath} are not used. Leave them out.");
        if (_lines?.MoveNext() == true) throw _lines.Current.Broken($"there are more labels than {rowsPath} has rows.");
    }

    public void Dispose() => _lines?.Dispose();

    /// <summary>One label.</summary>
    internal readonly record struct Label(SourceLine Line)
    {
        /// <summary>The label without white space around it.</summary>
        public string Text => Line.Text.Trim();

        /// <summary>Returns the label as the index of a choice.</summary>
        public int Index(int choices) => JsonRow.IndexOf(Text, choices)
            ?? throw Line.Broken($"the label is '{SourceLine.Shown(Text)}', but must be one of 0 to {choices - 1}.");
    }
}
