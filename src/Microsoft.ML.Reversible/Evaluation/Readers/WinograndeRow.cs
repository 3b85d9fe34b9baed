using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.Evaluation;

/// <summary>A row of WinoGrande.</summary>
internal sealed class WinograndeRow
{
    [ColumnName("sentence")]
    public string Sentence { get; set; } = "";

    [ColumnName("option1")]
    public string First { get; set; } = "";

    [ColumnName("option2")]
    public string Second { get; set; } = "";

    [ColumnName("answer")]
    public string Answer { get; set; } = "";

    /// <summary>
    /// Reads the published form, whose answers stand in each row or in a file of their own, or MosaicML's, which is cut at the blank
    /// already; its contexts then stand whole in the place of the options.
    /// </summary>
    public static IEnumerable<WinograndeRow> Read(string path, string? labelsPath)
    {
        using var labels = new LabelFile(path, labelsPath);
        foreach (JsonRow row in JsonRow.Read(SourceFile.Lines(path)))
            yield return row.Has("context_options") ? FromContexts(row) : FromRow(row, labels);
        labels.End();
    }

    private static WinograndeRow FromRow(JsonRow row, LabelFile labels)
    {
        string sentence = row.Text("sentence");
        if (!sentence.Contains('_')) throw row.Broken("the sentence has no blank, which is written '_'.");
        bool hasAnswer = row.Has("answer") && row.Text("answer").Length > 0;
        string answer = hasAnswer ? row.Text("answer") : labels.Next().Text;
        if (answer is not ("1" or "2")) throw row.Broken($"the answer is '{SourceLine.Shown(answer)}', but must be 1 or 2.");
        return new WinograndeRow { Sentence = sentence, First = row.Text("option1"), Second = row.Text("option2"), Answer = answer };
    }

    private static WinograndeRow FromContexts(JsonRow row)
    {
        string[] contexts = row.Texts("context_options");
        if (contexts.Length != 2) throw row.Broken($"there are {contexts.Length} context_options, but must be 2.");
        return new WinograndeRow
        {
            Sentence = $"_ {row.Text("continuation")}",
            First = contexts[0],
            Second = contexts[1],
            Answer = row.Index("gold", 2) == 0 ? "1" : "2",
        };
    }
}
