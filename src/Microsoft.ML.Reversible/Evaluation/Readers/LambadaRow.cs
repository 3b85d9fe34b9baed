using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.Evaluation;

/// <summary>A row of LAMBADA.</summary>
internal sealed class LambadaRow
{
    [ColumnName("text")]
    public string Text { get; set; } = "";

    /// <summary>Reads whole passages, or passages whose last word stands apart.</summary>
    public static IEnumerable<LambadaRow> Read(string path) =>
        JsonRow.Read(SourceFile.Lines(path))
            .Select(row => new LambadaRow { Text = row.Has("continuation") ? Joined(row) : row.Text("text") });

    private static string Joined(JsonRow row)
    {
        string word = row.Text("continuation");
        if (word.Contains(' ')) throw row.Broken($"the continuation '{SourceLine.Shown(word)}' is more than a word.");
        return $"{row.Text("context")} {word}";
    }
}
