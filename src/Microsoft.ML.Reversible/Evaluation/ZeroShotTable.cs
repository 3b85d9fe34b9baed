using System.Globalization;
using System.Text;

namespace Microsoft.ML.Reversible.Evaluation;

/// <summary>Formats metrics as lm-evaluation-harness prints them.</summary>
internal static class ZeroShotTable
{
    private static readonly (string Header, bool IsNumber)[] _columns =
    [
        ("Tasks", false), ("Version", true), ("Filter", false), ("n-shot", true), ("Metric", false), ("", false), ("Value", true),
        ("", false), ("Stderr", true),
    ];

    public static string Of(IEnumerable<ZeroShotMetrics> metrics)
    {
        string[][] rows = [.. metrics.SelectMany(Rows)];
        int[] widths = [.. _columns.Select((column, i) => rows.Max(row => Math.Max(row[i].Length, Math.Max(3, column.Header.Length))))];
        var text = new StringBuilder();
        Line(text, _columns.Select((column, i) => Centred(column.Header, widths[i])));
        Line(text, _columns.Select((column, i) => column.IsNumber ? new string('-', widths[i] - 1) + ":" : new string('-', widths[i])));
        foreach (string[] row in rows)
            Line(text, row.Select((cell, i) => _columns[i].IsNumber ? cell.PadLeft(widths[i]) : cell.PadRight(widths[i])));
        return text.ToString();
    }

    private static IEnumerable<string[]> Rows(ZeroShotMetrics metrics)
    {
        bool isFirst = true;
        foreach (ZeroShotMetric metric in metrics.Customary)
        {
            yield return
            [
                isFirst ? metrics.Task : "", isFirst ? metrics.Version : "", "none",
                metrics.ShotCount.ToString(CultureInfo.InvariantCulture), metric.Name, metric.HigherIsBetter ? "↑" : "↓",
                Number(metric.Value), "±", double.IsNaN(metric.StandardError) ? "N/A" : Number(metric.StandardError),
            ];
            isFirst = false;
        }
    }

    private static string Number(double value) => value.ToString("F4", CultureInfo.InvariantCulture);

    private static string Centred(string text, int width) => text.PadLeft((width + text.Length) / 2).PadRight(width);

    private static void Line(StringBuilder text, IEnumerable<string> cells) => text.Append('|').AppendJoin('|', cells).Append("|\n");
}
