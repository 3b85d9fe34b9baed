using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.Evaluation;

/// <summary>A row of HellaSwag.</summary>
internal sealed class HellaSwagRow
{
    [ColumnName("activity_label")]
    public string ActivityLabel { get; set; } = "";

    [ColumnName("ctx_a")]
    public string Before { get; set; } = "";

    [ColumnName("ctx_b")]
    public string Start { get; set; } = "";

    [ColumnName("endings")]
    public string[] Endings { get; set; } = [];

    [ColumnName("label")]
    public int Label { get; set; }

    public static IEnumerable<HellaSwagRow> Read(string path) => JsonRow.Read(SourceFile.Lines(path)).Select(Of);

    private static HellaSwagRow Of(JsonRow row)
    {
        string[] endings = row.Texts("endings");
        return new HellaSwagRow
        {
            ActivityLabel = row.Text("activity_label"),
            Before = row.Text("ctx_a"),
            Start = row.Text("ctx_b"),
            Endings = endings,
            Label = row.Index("label", endings.Length),
        };
    }
}
