using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.Evaluation;

/// <summary>A row of ARC.</summary>
internal sealed class ArcRow
{
    [ColumnName("question")]
    public string Question { get; set; } = "";

    [ColumnName("choices")]
    public string[] Choices { get; set; } = [];

    [ColumnName("labels")]
    public string[] Labels { get; set; } = [];

    [ColumnName("answerKey")]
    public string AnswerKey { get; set; } = "";

    public static IEnumerable<ArcRow> Read(string path) =>
        JsonRow.Read(SourceFile.Lines(path))
            .Select(row => KeyedChoices.Of(row, stem: "question", (line, query) => query.Question(line, ending: "")))
            .Select(row => new ArcRow { Question = row.Question, Choices = row.Choices, Labels = row.Labels, AnswerKey = row.AnswerKey });
}
