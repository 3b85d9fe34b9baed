using System.Text;
using Microsoft.ML.Reversible.Storage;

namespace Microsoft.ML.Reversible.Evaluation;

/// <summary>
/// A record of comma-separated values. ML.NET's text loader is not used because it cannot report errors: it pads records that are too
/// short, and does not give the line in which a record of several lines begins.
/// </summary>
/// <param name="Line">The line in which the record begins.</param>
/// <param name="Fields">Its values.</param>
internal sealed record CsvRecord(SourceLine Line, string[] Fields)
{
    /// <summary>
    /// Reads records. A quoted field may contain commas, line breaks and doubled quotes. Blank lines between records are skipped.
    /// </summary>
    /// <exception cref="InvalidDataException">A quote is not closed, or a record is too long.</exception>
    public static IEnumerable<CsvRecord> Read(IEnumerable<SourceLine> lines)
    {
        using IEnumerator<SourceLine> next = lines.GetEnumerator();
        while (next.MoveNext())
            if (!string.IsNullOrWhiteSpace(next.Current.Text)) yield return new CsvRecord(next.Current, Split(next));
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
            if (!lines.MoveNext()) throw first.Broken("an opening quote is not closed.");
            text = lines.Current.Text;
            length += text.Length;
            if (length > SourceFile.MostLineBytes) throw first.Broken("a quoted field is too long, or its quote is not closed.");
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
