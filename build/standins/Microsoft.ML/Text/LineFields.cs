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
        var fields = new List<ReadOnlyMemory<char>>();
        var start = 0;
        while (true)
        {
            var quoted = options.AllowQuoting ? QuotedField(line, ref start, options.Separators) : null;
            if (quoted is not null)
            {
                fields.Add(quoted.AsMemory());
            }
            else
            {
                var end = line.IndexOfAny(options.Separators, start);
                var field = line.AsMemory(start, (end < 0 ? line.Length : end) - start);
                fields.Add(options.TrimWhitespace ? field.TrimEnd() : field);
                start += field.Length;
            }
            if (start >= line.Length)
                return fields;
            start++;
        }
    }

    /// <summary>The text of a field in quotes, with the start moved to the separator after it; null where the field has none.</summary>
    private static string QuotedField(string line, ref int start, char[] separators)
    {
        var open = start;
        while (open < line.Length && line[open] == ' ')
            open++;
        if (open >= line.Length || line[open] != '"')
            return null;
        var text = new StringBuilder();
        var at = open + 1;
        for (; at < line.Length; at++)
        {
            if (line[at] != '"')
                text.Append(line[at]);
            else if (at + 1 < line.Length && line[at + 1] == '"')
                text.Append(line[at++]);
            else
                break;
        }
        var end = at < line.Length ? line.IndexOfAny(separators, at) : -1;
        start = end < 0 ? line.Length : end;
        return text.ToString();
    }
}
