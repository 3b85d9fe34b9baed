using System.Text;
using System.Text.Unicode;
using Microsoft.ML.Reversible.Storage;

namespace Microsoft.ML.Reversible.Cli.Options;

/// <summary>
/// Reads text files in UTF-8, or in UTF-16 or UTF-32 with a byte order mark. Invalid bytes are refused; .NET's own readers replace them
/// with U+FFFD.
/// </summary>
internal static class StrictText
{
    /// <summary>Reads the lines of a file lazily.</summary>
    /// <exception cref="InvalidDataException">The file is not text, or a Git LFS pointer; the message names it and the line.</exception>
    public static IEnumerable<string> Lines(string path)
    {
        using StreamReader reader = Open(path);
        string? line = Checked(path, NextLine());
        for (; line is not null; line = NextLine()) yield return line;

        string? NextLine() => Read(reader, path, r => r.ReadLine());
    }

    /// <summary>Reads a whole file.</summary>
    /// <exception cref="InvalidDataException">The file is not text, or a Git LFS pointer; the message names it and the line.</exception>
    public static string All(string path)
    {
        using StreamReader reader = Open(path);
        return Checked(path, Read(reader, path, r => r.ReadToEnd()))!;
    }

    /// <summary>Reads a reader to its end.</summary>
    /// <param name="reader">A reader that throws on invalid bytes.</param>
    /// <param name="name">Its name for the message.</param>
    /// <exception cref="InvalidDataException">The bytes are not text.</exception>
    public static string All(TextReader reader, string name) => Read(reader, name, r => r.ReadToEnd())!;

    /// <summary>Reads the next line of a reader; null at its end.</summary>
    /// <inheritdoc cref="All(TextReader, string)"/>
    public static string? Line(TextReader reader, string name) => Read(reader, name, r => r.ReadLine());

    private static string? Read(TextReader reader, string name, Func<TextReader, string?> read)
    {
        try
        {
            return read(reader);
        }
        catch (DecoderFallbackException e)
        {
            throw new InvalidDataException($"{name} is not text in UTF-8. Convert it to UTF-8.", e);
        }
    }

    private static string? Checked(string path, string? start) =>
        start is not null && FileStart.FaultOfText(start) is { } fault ? throw new InvalidDataException($"'{path}': {fault}.") : start;

    private static StreamReader Open(string path) =>
        new(path, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true));

    private static string? Read(StreamReader reader, string path, Func<StreamReader, string?> read)
    {
        try
        {
            return read(reader);
        }
        catch (DecoderFallbackException e)
        {
            throw new InvalidDataException($"'{path}', line {FirstBadLine(path)}: it is not text in UTF-8. Convert the file to UTF-8.", e);
        }
    }

    // The reader decodes a whole buffer at a time, so its exception comes before the invalid line is reached.
    private static long FirstBadLine(string path)
    {
        using FileStream file = File.OpenRead(path);
        var line = new List<byte>();
        long number = 1;
        for (int value = file.ReadByte(); value >= 0; value = file.ReadByte())
        {
            if (value != '\n')
            {
                line.Add((byte)value);
                continue;
            }
            if (!Utf8.IsValid(line.ToArray())) return number;
            line.Clear();
            number++;
        }
        return number;
    }
}
