using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Storage;

namespace Microsoft.ML.Reversible.Evaluation;

/// <summary>The choices of a question, their labels, and the label of the right one, as in ARC and OpenBookQA.</summary>
internal abstract class KeyedRow
{
    [ColumnName("choices")]
    public string[] Choices { get; set; } = [];

    [ColumnName("labels")]
    public string[] Labels { get; set; } = [];

    /// <summary>The label of the right choice; in some files with a space before it.</summary>
    [ColumnName("answerKey")]
    public string AnswerKey { get; set; } = "";

    /// <summary>Takes the choices from the layout of the Allen Institute, of Hugging Face, or of MosaicML's queries.</summary>
    /// <param name="row">The row.</param>
    /// <param name="stem">The field of the question in Hugging Face's layout.</param>
    /// <param name="question">Takes the question from a query.</param>
    /// <returns>The question.</returns>
    public string Fill(JsonRow row, string stem, Func<QueryRow, string> question)
    {
        if (QueryRow.Fits(row))
        {
            QueryRow query = QueryRow.Of(row);
            (Choices, Labels) = (query.Choices, [.. query.Choices.Select((_, i) => Letter(i))]);
            AnswerKey = Labels[query.Gold];
            return question(query);
        }
        string text;
        if (row.HasObject("question"))
        {
            JsonRow inner = row.Object("question");
            JsonRow[] choices = inner.Objects("choices");
            Choices = [.. choices.Select(choice => choice.Text("text"))];
            Labels = [.. choices.Select(choice => choice.Text("label"))];
            text = inner.Text("stem");
        }
        else
        {
            JsonRow lists = row.Object("choices");
            text = row.Text(stem);
            (Choices, Labels) = (lists.Texts("text"), lists.Texts("label"));
        }
        AnswerKey = row.Label("answerKey");
        if (Choices.Length != Labels.Length) throw row.Broken($"there are {Choices.Length} choices, but {Labels.Length} labels.");
        if (!Labels.Contains(PythonText.StripStart(AnswerKey)))
            throw row.Broken($"the answerKey '{SourceLine.Shown(AnswerKey)}' is none of the labels {string.Join(", ", Labels.Take(8))}.");
        return text;
    }

    /// <summary>Returns the index of a label.</summary>
    /// <exception cref="InvalidDataException">There is no such label.</exception>
    protected int IndexOf(string key, long number) => Array.IndexOf(Labels, key) is var index and >= 0
        ? index
        : throw new InvalidDataException(
            $"The answerKey of row {number} is '{key}', which is none of its labels: {string.Join(", ", Labels)}.");

    private static string Letter(int index) => index < 26 ? ((char)('A' + index)).ToString() : $"{index + 1}";
}
