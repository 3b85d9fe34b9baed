using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.Evaluation;

/// <summary>A row of PIQA.</summary>
internal sealed class PiqaRow
{
    [ColumnName("goal")]
    public string Goal { get; set; } = "";

    [ColumnName("sol1")]
    public string First { get; set; } = "";

    [ColumnName("sol2")]
    public string Second { get; set; } = "";

    [ColumnName("label")]
    public int Label { get; set; }

    /// <summary>Reads the published form, whose labels stand in a file of their own or in each row, or the form of queries.</summary>
    public static IEnumerable<PiqaRow> Read(string path, string? labelsPath)
    {
        using var labels = new LabelFile(path, labelsPath);
        foreach (JsonRow row in JsonRow.Read(SourceFile.Lines(path)))
            yield return QueryRow.Fits(row) ? FromQuery(row) : FromRow(row, labels);
        labels.End();
    }

    private static PiqaRow FromRow(JsonRow row, LabelFile labels) => new()
    {
        Goal = row.Text("goal"),
        First = row.Text("sol1"),
        Second = row.Text("sol2"),
        Label = row.Has("label") ? row.Index("label", 2) : labels.Next().Index(2),
    };

    private static PiqaRow FromQuery(JsonRow row)
    {
        QueryRow query = QueryRow.Of(row);
        if (query.Choices.Length != 2) throw row.Broken($"there are {query.Choices.Length} choices, but must be 2.");
        return new PiqaRow
        {
            Goal = query.Question(row, "\n"),
            First = query.Choices[0],
            Second = query.Choices[1],
            Label = query.Gold,
        };
    }
}
