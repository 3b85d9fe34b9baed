using System.Globalization;
using Spectre.Console;

namespace Microsoft.ML.Reversible.Cli.Benchmark;

/// <summary>Shows measurements: one line each as they arrive, and lines of JSON or a table.</summary>
internal sealed class BenchScreen(Terminal terminal, bool json)
{
    private readonly List<BenchRow> _rows = [];

    /// <summary>All rows that were shown.</summary>
    public IReadOnlyList<BenchRow> Rows => _rows;

    /// <summary>Shows what is being measured, because a measurement can take long.</summary>
    public void Announce(BenchConfiguration configuration) => terminal.Error.WriteLine($"measuring {configuration}");

    /// <summary>Adds a row.</summary>
    public void Add(BenchRow row)
    {
        _rows.Add(row);
        if (!json) return;
        terminal.Out.Write(row.ToJson() + "\n");
        terminal.Out.Flush();
    }

    /// <summary>Writes the table of all rows; nothing if they were written as JSON.</summary>
    public void ShowTable()
    {
        if (json || _rows.Count == 0) return;
        BenchRow first = _rows[0];
        IAnsiConsole console = terminal.ForPeople(json);
        console.MarkupLineInterpolated(
            CultureInfo.InvariantCulture,
            $"{first.Family} of width {first.Width}, {first.Heads} heads, context {first.Context}, on {first.Device}");
        Table table = new Table().AddColumns(
            "layers", "scheme", "backward", "arithmetic", "blocks", "optimizer", "batch", "tokens/s", "samples/s", "s/step", "peak, GiB",
            "loss", "remark");
        foreach (BenchRow r in _rows)
        {
            table.AddRow([.. new[]
            {
                Number(r.Layers), r.Scheme, r.BackwardMode, r.Arithmetic, r.Precision, r.OptimizerPlacement,
                Number(r.Batch ?? r.LargestBatch),
                Number(r.TokensPerS ?? r.BestTokensPerS, "N0"), Number(r.SamplesPerS, "F2"), Number(r.StepS, "F3"), Number(r.PeakGib, "F2"),
                Number(r.Loss, "F3"), Remark(r),
            }.Select(cell => new Spectre.Console.Text(cell))]);
        }
        console.Write(table);
    }

    private static string Remark(BenchRow r) =>
        r.OutOfMemory == true ? "out of memory"
        : r.Conflict ?? r.Error
        ?? (r.Limit is null ? "" : $"largest batch, limited by {r.Limit}; most tokens/s at batch {Number(r.BestBatch)}");

    private static string Number(IFormattable? value, string? format = null) => value?.ToString(format, CultureInfo.InvariantCulture) ?? "";
}
