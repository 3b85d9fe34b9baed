using System.Text;

namespace Microsoft.ML.Reversible.Evaluation;

/// <summary>
/// A record of comma-separated values. ML.NET's text loader does not say in which line a record begins that spans several, and pads
/// records that are too short, so it cannot tell what is broken.
/// </summary>
/// <param name="Line">The line that the record begins in.</param>
/// <param name="Fields">Its values.</param>
internal sealed record CsvRecord(SourceLine Line, string[] Fields)
{
    /// <summary>
    /// The records: a field in quotes may hold commas, line breaks and doubled quotes; empty lines between records do not count.
    /// </summary>
    /// <exception cref="InvalidDataException">A quote is not closed, or a record is too long.</exception>
    public static IEnumerable<CsvRecord> Read(IEnumerable<SourceLine> lines)
    {
        using IEnumerator<SourceLine> next = lines.GetEnumerator();
        while (next.MoveNext())
            if (next.Current.Text.Length > 0) yield return new CsvRecord(next.Current, Split(next));
    }

    private static string[] Split(IEnumerator<SourceLine> lines)
    {
        SourceLine first = lines.Current;
        List<string> fields = [];
        var field = new StringBuilder();
        string text = first.Text;
        bool isQuoted = false;
        int length = text.Length;
        for (int i = 0; ; i++)
        {
            if (i < text.Length)
            {
                char character = text[i];
                if (character == '"' && isQuoted && i + 1 < text.Length && text[i + 1] == '"') field.Append(text[i++]);
                else if (character == '"' && (isQuoted || field.Length == 0)) isQuoted = !isQuoted;
                else if (character == ',' && !isQuoted) Close();
                else field.Append(character);
                continue;
            }
            if (!isQuoted) break;
            if (!lines.MoveNext()) throw first.Broken("a quote is opened and not closed.");
            text = lines.Current.Text;
            length += text.Length;
            if (length > SourceFile.MostLineBytes) throw first.Broken("a quote is opened and not closed for too long.");
            field.Append('\n');
            i = -1;
        }
        Close();
        return [.. fields];

        void Close()
        {
            fields.Add(field.ToString());
            field.Clear();
        }
    }
}
