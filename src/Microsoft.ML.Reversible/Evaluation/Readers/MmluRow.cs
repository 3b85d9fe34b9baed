using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.Evaluation;

/// <summary>A row of MMLU.</summary>
internal sealed class MmluRow
{
    private const string Letters = "ABCD";

    [ColumnName("question")]
    public string Question { get; set; } = "";

    [ColumnName("choices")]
    public string[] Choices { get; set; } = [];

    [ColumnName("answer")]
    public int Answer { get; set; }

    /// <summary>Reads the published form: question, four choices and a letter, without a header.</summary>
    public static IEnumerable<MmluRow> Read(string path) => CsvRecord.Read(SourceFile.Lines(path)).Select(Of);

    private static MmluRow Of(CsvRecord record)
    {
        if (record.Fields.Length != 6)
            throw record.Line.Broken($"has {record.Fields.Length} fields, but must have a question, four choices and a letter.");
        string letter = record.Fields[5].Trim();
        if (letter.Length != 1 || !Letters.Contains(letter[0]))
            throw record.Line.Broken($"the answer is '{SourceLine.Shown(letter)}', but must be one of A, B, C, D.");
        return new MmluRow { Question = record.Fields[0], Choices = record.Fields[1..5], Answer = Letters.IndexOf(letter[0]) };
    }
}
