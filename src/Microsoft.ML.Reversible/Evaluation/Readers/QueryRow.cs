using Microsoft.ML.Reversible.Storage;

namespace Microsoft.ML.Reversible.Evaluation;

/// <summary>A row in the layout of MosaicML's files for multiple choice: query, choices, gold.</summary>
/// <param name="Query">The question, including the words that the task puts before it.</param>
/// <param name="Choices">The choices, at least one.</param>
/// <param name="Gold">The index of the right one.</param>
internal sealed record QueryRow(string Query, string[] Choices, int Gold)
{
    private const string Opening = "Question: ";

    /// <summary>Returns whether a row has this layout.</summary>
    public static bool Fits(JsonRow row) => row.Has("query");

    /// <summary>Reads a row of this layout.</summary>
    public static QueryRow Of(JsonRow row)
    {
        string[] choices = row.Texts("choices");
        return new QueryRow(row.Text("query"), choices, row.Index("gold", choices.Length));
    }

    /// <summary>Returns the question without the task's words.</summary>
    /// <param name="row">The row, for messages.</param>
    /// <param name="ending">The task's words after the question, if the query includes them.</param>
    public string Question(JsonRow row, string ending) =>
        Query.Length >= Opening.Length + ending.Length && Query.StartsWith(Opening, StringComparison.Ordinal)
            && Query.EndsWith(ending, StringComparison.Ordinal)
            ? Query[Opening.Length..^ending.Length]
            : throw row.Broken($"the query must begin with '{Opening}'{(ending == "\n" ? " and end with a line break" : "")}, " +
                $"but is '{SourceLine.Shown(Query)}'.");
}
