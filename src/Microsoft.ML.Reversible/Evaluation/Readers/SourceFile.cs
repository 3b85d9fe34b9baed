using System.Runtime.InteropServices;
using System.Text;

namespace Microsoft.ML.Reversible.Evaluation;

/// <summary>
/// Reads a benchmark's file line by line in bounded memory, whatever the file holds. Lines end with <c>\n</c> or <c>\r\n</c>; the text
/// is UTF-8.
/// </summary>
internal static class SourceFile
{
    /// <summary>The largest file that is read. The largest benchmark has 50 MB, and its rows are kept in memory.</summary>
    public const long MostBytes = 256L << 20;

    /// <summary>The longest line that is read. A benchmark's row has some thousand bytes.</summary>
    public const int MostLineBytes = 1 << 20;

    private static readonly UTF8Encoding _utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Reads the lines, empty ones too. What follows the last line end, often nothing, counts as a line.</summary>
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

/// <summary>A line of a file, with its place for messages.</summary>
/// <param name="Path">The file.</param>
/// <param name="Number">The line's number, counted from 1.</param>
/// <param name="Text">The line without its end.</param>
internal sealed record SourceLine(string Path, int Number, string Text)
{
    private const int MostShown = 80;

    /// <summary>Makes the exception for what is wrong with the line.</summary>
    public InvalidDataException Broken(string problem, Exception? cause = null) => new($"{Path}, line {Number}: {problem}", cause);

    /// <summary>Shortens a piece of a line for a message.</summary>
    public static string Shown(string text) => text.Length <= MostShown ? text : string.Concat(text.AsSpan(0, MostShown), "...");
}

/// <summary>The file of labels for rows that hold none, one label a line. It is opened when the first label is read.</summary>
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
                $"The rows of {rowsPath} hold no labels, and there is no file '{_path}' with them: name it.", _path);
        _lines ??= SourceFile.Lines(_path).Where(line => line.Text.Trim().Length > 0).GetEnumerator();
        return _lines.MoveNext()
            ? new Label(_lines.Current)
            : throw new InvalidDataException($"{_path} has fewer labels than {rowsPath} has rows.");
    }

    /// <summary>Checks, after the last row, that all labels were used.</summary>
    /// <exception cref="InvalidDataException">There are labels left, or the given file was not needed.</exception>
    public void End()
    {
        if (_lines is null && givenPath is not null)
            throw new InvalidDataException(
                $"The rows of {rowsPath} hold their labels, so those of {givenPath} have no use: leave them out.");
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
