using System.Text;

namespace Microsoft.ML.Data;

/// <summary>The lines of text files that are rows, and the fields of a line.</summary>
internal static class LineFields
{
    public static IEnumerable<string> Lines(IMultiStreamSource source, TextLoader.Options options)
    {
        var left = options.MaxRows ?? long.MaxValue;
        for (var file = 0; file < source.Count; file++)
        {
            using var reader = source.OpenTextReader(file);
            var first = true;
            while (left > 0 && reader.ReadLine() is { } line)
            {
                // Empty lines and comments are no rows; '#' starts a comment only above the first row.
                if (line.Length == 0 || line.StartsWith("//", StringComparison.Ordinal) || first && line[0] == '#')
                    continue;
                if (!first || !options.HasHeader)
                {
                    left--;
                    yield return line;
                }
                first = false;
            }
        }
    }

    public static List<ReadOnlyMemory<char>> Split(string line, TextLoader.Options options)
    {
        if (options.TrimWhitespace)
            line = line.TrimEnd();
        var skipSpaces = !options.Separators.Contains(' ');
        var fields = new List<ReadOnlyMemory<char>>();
        var start = 0;
        while (true)
        {
            while (skipSpaces && start < line.Length && line[start] == ' ')
                start++;
            if (options.AllowQuoting && start < line.Length && line[start] == '"')
            {
                fields.Add(QuotedField(line, ref start, options.Separators).AsMemory());
            }
            else
            {
                var end = line.IndexOfAny(options.Separators, start);
                var field = line.AsMemory(start, (end < 0 ? line.Length : end) - start);
                fields.Add(field);
                start += field.Length;
            }
            if (start >= line.Length)
                return fields;
            start++;
        }
    }

    /// <summary>The text of the field whose opening quote stands at the start, which moves to the separator after the field.</summary>
    private static string QuotedField(string line, ref int start, char[] separators)
    {
        var text = new StringBuilder();
        var at = start + 1;
        for (; at < line.Length; at++)
        {
            if (line[at] != '"')
                text.Append(line[at]);
            else if (at + 1 < line.Length && line[at + 1] == '"')
                text.Append(line[at++]);
            else
                break;
        }
        var closed = at < line.Length;
        var end = closed ? line.IndexOfAny(separators, at) : -1;
        start = end < 0 ? line.Length : end;
        // A field whose quote is never closed cannot be told apart from what follows: it reads as empty.
        return closed ? text.ToString() : "";
    }
}
