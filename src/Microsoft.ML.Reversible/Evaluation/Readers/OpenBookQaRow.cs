using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.Evaluation;

/// <summary>A row of OpenBookQA.</summary>
internal sealed class OpenBookQaRow
{
    private static readonly string[] _letters = ["A", "B", "C", "D"];

    [ColumnName("question_stem")]
    public string QuestionStem { get; set; } = "";

    [ColumnName("choices")]
    public string[] Choices { get; set; } = [];

    [ColumnName("labels")]
    public string[] Labels { get; set; } = [];

    [ColumnName("answerKey")]
    public string AnswerKey { get; set; } = "";

    /// <summary>Reads the published forms, lines of JSON or tab-separated values, or the form of queries.</summary>
    public static IEnumerable<OpenBookQaRow> Read(string path)
    {
        bool isJson = SourceFile.Lines(path).FirstOrDefault(line => line.Text.Trim().Length > 0)?.Text.TrimStart()[0] == '{';
        IEnumerable<KeyedChoices> rows = isJson
            ? JsonRow.Read(SourceFile.Lines(path)).Select(row => KeyedChoices.Of(row, stem: "question_stem", (_, query) => query.Query))
            : Tabbed(SourceFile.Lines(path));
        return rows.Select(row => new OpenBookQaRow
        {
            QuestionStem = row.Question,
            Choices = row.Choices,
            Labels = row.Labels,
            AnswerKey = row.AnswerKey,
        });
    }

    private static IEnumerable<KeyedChoices> Tabbed(IEnumerable<SourceLine> lines)
    {
        int[]? columns = null;
        foreach (SourceLine line in lines.Where(line => line.Text.Trim().Length > 0))
        {
            string[] fields = line.Text.Split('\t');
            if (columns is null)
            {
                columns = [.. new[] { "Question Stem", "Choices", "Answer Key" }.Select(name =>
                    Array.FindIndex(fields, field => field.Trim().Equals(name, StringComparison.OrdinalIgnoreCase)))];
                if (columns.Contains(-1))
                    throw line.Broken("is neither a JSON object nor a header with Question Stem, Choices and Answer Key between tabs.");
                continue;
            }
            if (fields.Length <= columns.Max()) throw line.Broken($"has {fields.Length} fields between tabs, fewer than the header.");
            string key = fields[columns[2]].Trim();
            if (!_letters.Contains(key)) throw line.Broken($"the answer key '{SourceLine.Shown(key)}' is none of A, B, C, D.");
            yield return new KeyedChoices(fields[columns[0]], Split(line, fields[columns[1]]), _letters, key);
        }
    }

    /// <summary>The texts after (A), (B), (C) and (D).</summary>
    private static string[] Split(SourceLine line, string choices)
    {
        var texts = new string[_letters.Length];
        int end = choices.Length;
        for (int i = texts.Length - 1; i >= 0; i--)
        {
            string mark = $"({_letters[i]})";
            int start = choices.AsSpan(0, end).LastIndexOf(mark, StringComparison.Ordinal);
            if (start < 0) throw line.Broken($"the choices have no {mark}: '{SourceLine.Shown(choices)}'.");
            texts[i] = choices[(start + mark.Length)..end].Trim();
            end = start;
        }
        return texts;
    }
}
