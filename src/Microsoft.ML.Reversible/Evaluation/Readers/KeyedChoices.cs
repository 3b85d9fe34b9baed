namespace Microsoft.ML.Reversible.Evaluation;

/// <summary>Choices with labels, and the label of the right one, as ARC and OpenBookQA have them.</summary>
/// <param name="Question">The question.</param>
/// <param name="Choices">The choices.</param>
/// <param name="Labels">Their labels.</param>
/// <param name="AnswerKey">The label of the right one; blanks may stand before it.</param>
internal sealed record KeyedChoices(string Question, string[] Choices, string[] Labels, string AnswerKey)
{
    /// <summary>Reads the form of the Allen Institute, that of Hugging Face, or that of queries.</summary>
    /// <param name="row">The row.</param>
    /// <param name="stem">The field of the question in Hugging Face's form.</param>
    /// <param name="question">Takes the question out of a query.</param>
    public static KeyedChoices Of(JsonRow row, string stem, Func<JsonRow, QueryRow, string> question)
    {
        if (QueryRow.Fits(row))
        {
            QueryRow query = QueryRow.Of(row);
            string[] letters = [.. query.Choices.Select((_, i) => Letter(i))];
            return new KeyedChoices(question(row, query), query.Choices, letters, letters[query.Gold]);
        }
        if (row.HasObject("question"))
        {
            JsonRow inner = row.Object("question");
            JsonRow[] choices = inner.Objects("choices");
            string[] texts = [.. choices.Select(choice => choice.Text("text"))];
            string[] labels = [.. choices.Select(choice => choice.Text("label"))];
            return new KeyedChoices(inner.Text("stem"), texts, labels, row.Text("answerKey")).Checked(row);
        }
        JsonRow lists = row.Object("choices");
        return new KeyedChoices(row.Text(stem), lists.Texts("text"), lists.Texts("label"), row.Text("answerKey")).Checked(row);
    }

    private static string Letter(int index) => index < 26 ? ((char)('A' + index)).ToString() : $"{index + 1}";

    private KeyedChoices Checked(JsonRow row)
    {
        if (Choices.Length != Labels.Length) throw row.Broken($"there are {Choices.Length} choices, but {Labels.Length} labels.");
        if (!Labels.Contains(PythonText.StripStart(AnswerKey)))
            throw row.Broken($"the answerKey '{SourceLine.Shown(AnswerKey)}' is none of the labels {string.Join(", ", Labels.Take(8))}.");
        return this;
    }
}
