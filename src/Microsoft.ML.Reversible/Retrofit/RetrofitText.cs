using System.Globalization;
using System.Text;

namespace Microsoft.ML.Reversible.Retrofitting;

/// <summary>A <see cref="RetrofitReport"/> as tables in plain text.</summary>
internal static class RetrofitText
{
    private const double BytesPerMiB = 1 << 20;

    /// <summary>Writes it.</summary>
    public static string Of(RetrofitReport report)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"scheme {report.Scheme}\n\n");
        Table(text, [
            ["", "KL per token", "top-1", "loss", "teacher's", "perplexity", "teacher's", "tokens"],
            ["before", .. Agreement(report.Before)],
            .. report.After is { } after ? new string[][] { ["after", .. Agreement(after)] } : [],
        ]);
        text.Append(CultureInfo.InvariantCulture,
            $"\nThe way back keeps {Number(report.BytesPerActivation)} bytes an activation. For a batch of {report.Memory.Tokens} tokens " +
            $"the streams take {MiB(report.Memory.Reversible)}, {MiB(report.Memory.SideBits)} of it side bits; " +
            $"with checkpoints {MiB(report.Memory.Checkpointed)}.");
        if (report.Memory.Reversible > report.Memory.Checkpointed)
            text.Append(" Three streams are kept at any depth, on a grid as float64: more than the checkpoints of so few layers.");
        text.Append('\n');
        if (report.EstimateVerdict is { } verdict)
        {
            Estimates(text, report.Estimates);
            text.Append(verdict).Append('\n');
        }
        Candidates(text, "best step size", report.StepSizes.GroupBy(c => c.Scheme.Name).Select(tried =>
            (tried.MinBy(c => c.Agreement.Distance)!, $", of {tried.Count()} tried")));
        Candidates(text, "candidates", report.Candidates.Select(c => (c, "")));
        if (report.Reason is { } reason) text.Append(reason).Append('\n');
        return text.ToString();
    }

    private static void Estimates(StringBuilder text, IReadOnlyList<LayerEstimate> layers)
    {
        text.Append('\n');
        Table(text, [
            ["layer", .. Enumerable.Range(0, layers[0].RelativeErrors.Count).Select(m => $"error, m = {m}"),
                .. Enumerable.Range(1, layers[0].LocalFactors.Count).Select(m => $"factor {m}"), "Lipschitz"],
            .. layers.Select(l => (string[])
                [$"{l.Layer}", .. l.RelativeErrors.Concat(l.LocalFactors).Append(l.LipschitzFactor).Select(Number)]),
        ]);
    }

    private static void Candidates(StringBuilder text, string title, IEnumerable<(RetrofitCandidate Candidate, string Note)> candidates)
    {
        if (!candidates.Any()) return;
        text.Append('\n');
        Table(text, [
            [title, "KL per token", "top-1", "loss", "bits", "evaluations", "fits"],
            .. candidates.Select(row => (string[])[
                $"{row.Candidate.Scheme}{row.Note}", .. Agreement(row.Candidate.Agreement)[..3],
                $"{row.Candidate.BitsPerActivation}", $"{row.Candidate.EvaluationsPerLayer}", row.Candidate.Fits ? "yes" : "no"]),
        ]);
    }

    private static string[] Agreement(RetrofitAgreement a) =>
    [
        Number(a.KlPerToken), Number(a.Top1Agreement), Number(a.StudentLoss), Number(a.TeacherLoss),
        Number(a.StudentPerplexity), Number(a.TeacherPerplexity), $"{a.TokenCount}",
    ];

    private static void Table(StringBuilder text, IReadOnlyList<string[]> rows)
    {
        int[] widths = [.. Enumerable.Range(0, rows[0].Length).Select(column => rows.Max(row => row[column].Length))];
        foreach (string[] row in rows)
            text.AppendJoin("  ", row.Select((cell, i) => i == 0 ? cell.PadRight(widths[i]) : cell.PadLeft(widths[i]))).Append('\n');
    }

    private static string MiB(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / BytesPerMiB:G4} MiB");

    private static string Number(double value) => value.ToString("G4", CultureInfo.InvariantCulture);
}
