namespace Microsoft.ML.Reversible.Evaluation;

/// <summary>A row of the form that MosaicML's files have for every multiple choice: query, choices, gold.</summary>
/// <param name="Query">The question, with the words that a task puts before it.</param>
/// <param name="Choices">The choices, at least one.</param>
/// <param name="Gold">The index of the right one.</param>
internal sealed record QueryRow(string Query, string[] Choices, int Gold)
{
    private const string Opening = "Question: ";

    /// <summary>Whether a row has this form.</summary>
    public static bool Fits(JsonRow row) => row.Has("query");

    public static QueryRow Of(JsonRow row)
    {
        string[] choices = row.Texts("choices");
        return new QueryRow(row.Text("query"), choices, row.Index("gold", choices.Length));
    }

    /// <summary>The question alone.</summary>
    /// <param name="row">The row, for messages.</param>
    /// <param name="ending">What the task puts after a question, as far as the query has it.</param>
    public string Question(JsonRow row, string ending) =>
        Query.Length >= Opening.Length + ending.Length && Query.StartsWith(Opening, StringComparison.Ordinal)
            && Query.EndsWith(ending, StringComparison.Ordinal)
            ? Query[Opening.Length..^ending.Length]
            : throw row.Broken($"the query must begin with '{Opening}'{(ending == "\n" ? " and end with a line break" : "")}, " +
                $"but is '{SourceLine.Shown(Query)}'.");
}
