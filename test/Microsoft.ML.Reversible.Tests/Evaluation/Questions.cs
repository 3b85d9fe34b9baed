namespace Microsoft.ML.Reversible.Tests.Evaluation;

/// <summary>Data with questions, and tasks on them.</summary>
internal static class Questions
{
    internal sealed class Row
    {
        public string Question { get; set; } = "";

        public string[] Choices { get; set; } = [];

        public int Label { get; set; }
    }

    /// <summary>Rows with any number of choices.</summary>
    public static ZeroShotTask Task(params string[] choiceNames) => new(
        "quiz", ZeroShotKind.MultipleChoice,
        [ZeroShotColumn.Text("Question"), ZeroShotColumn.Texts("Choices"), ZeroShotColumn.Integer("Label")],
        row => ZeroShotItem.MultipleChoice(row.Text("Question"), row.Texts("Choices"), row.Integer("Label")))
    {
        ChoiceNames = choiceNames,
    };

    public static ZeroShotTask LastWord { get; } = new(
        "last", ZeroShotKind.LastWord, [ZeroShotColumn.Text("Question")], row => ZeroShotItem.LastWord(row.Text("Question"), "word"));

    public static ZeroShotTask Whole { get; } = new(
        "whole", ZeroShotKind.RollingLogLikelihood, [ZeroShotColumn.Text("Question")], row => ZeroShotItem.WholeText(row.Text("Question")));

    public static IDataView View(MLContext ml, params Row[] rows) => ml.Data.LoadFromEnumerable(rows);

    public static Row Of(int label, params string[] choices) => new() { Question = $"Q{label}", Choices = choices, Label = label };
}
