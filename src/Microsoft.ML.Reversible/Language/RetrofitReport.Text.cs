using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.ML.Reversible.Training;

namespace Microsoft.ML.Reversible.Language;

/// <summary>Formats a <see cref="RetrofitReport"/> as tables in plain text.</summary>
internal static class RetrofitText
{
    private const double BytesPerMiB = 1 << 20;

    /// <summary>Returns the tables.</summary>
    public static string Of(RetrofitReport report)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"scheme {report.Scheme}\n\n");
        Table(text, [
            ["", "KL per token", "top-1", "loss", "teacher's", "perplexity", "teacher's", "tokens"],
            ["before", .. Agreement(report.Before)],
            .. report.After is { } after ? new string[][] { ["after", .. Agreement(after)] } : [],
        ]);
        if (report.DistillationDiscarded)
            text.Append("Distillation was discarded: the student has the weights from before it, which are better on the held-out text.\n");
        text.Append(CultureInfo.InvariantCulture,
            $"\nThe backward pass needs {Number(report.BytesPerActivation)} bytes of remainders per activation. " +
            $"For a batch of {report.Memory.Tokens} tokens the hidden states take {MiB(report.Memory.Reversible)}, " +
            $"of which {MiB(report.Memory.Remainders)} are remainders; with checkpoints {MiB(report.Memory.Checkpointed)}.");
        if (report.Memory.Reversible > report.Memory.Checkpointed)
            text.Append(" Three hidden states are kept at any depth, in exact arithmetic as float64: more than so few checkpoints.");
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

/// <summary>Formats a <see cref="RetrofitReport"/> as a line of JSON.</summary>
internal static class RetrofitJson
{
    /// <summary>Returns the line.</summary>
    public static string Of(RetrofitReport report)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString("scheme", report.Scheme.ToString());
            Write(json, "before", report.Before);
            if (report.After is { } after)
            {
                Write(json, "after", after);
                json.WriteBoolean("distillation_discarded", report.DistillationDiscarded);
            }
            json.WriteNumber("bytes_per_activation", report.BytesPerActivation);
            Write(json, report.Memory);
            if (report.Estimates.Count > 0) Write(json, report.Estimates, report.EstimateVerdict);
            Write(json, "step_sizes", report.StepSizes);
            Write(json, "candidates", report.Candidates);
            if (report.Reason is { } reason) json.WriteString("reason", reason);
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    private static void Write(Utf8JsonWriter json, string name, RetrofitAgreement agreement)
    {
        json.WriteStartObject(name);
        json.WriteNumberOrNull("kl_per_token", agreement.KlPerToken);
        json.WriteNumberOrNull("top1_agreement", agreement.Top1Agreement);
        json.WriteNumberOrNull("teacher_loss", agreement.TeacherLoss);
        json.WriteNumberOrNull("student_loss", agreement.StudentLoss);
        json.WriteNumberOrNull("teacher_perplexity", agreement.TeacherPerplexity);
        json.WriteNumberOrNull("student_perplexity", agreement.StudentPerplexity);
        json.WriteNumber("tokens", agreement.TokenCount);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, HiddenStateMemory memory)
    {
        json.WriteStartObject("hidden_state_memory");
        json.WriteNumber("tokens", memory.Tokens);
        json.WriteNumber("reversible_bytes", memory.Reversible);
        json.WriteNumber("side_bytes", memory.Remainders);
        json.WriteNumber("checkpointed_bytes", memory.Checkpointed);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, IReadOnlyList<LayerEstimate> estimates, string? verdict)
    {
        json.WriteStartArray("estimates");
        foreach (LayerEstimate layer in estimates)
        {
            json.WriteStartObject();
            json.WriteNumber("layer", layer.Layer);
            json.WriteNumbersOrNull("relative_errors", layer.RelativeErrors);
            json.WriteNumbersOrNull("local_factors", layer.LocalFactors);
            json.WriteNumberOrNull("lipschitz_factor", layer.LipschitzFactor);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteString("estimate_verdict", verdict);
    }

    private static void Write(Utf8JsonWriter json, string name, IReadOnlyList<RetrofitCandidate> candidates)
    {
        if (candidates.Count == 0) return;
        json.WriteStartArray(name);
        foreach (RetrofitCandidate candidate in candidates)
        {
            json.WriteStartObject();
            json.WriteString("scheme", candidate.Scheme.ToString());
            Write(json, "agreement", candidate.Agreement);
            json.WriteNumber("bits_per_activation", candidate.BitsPerActivation);
            json.WriteNumber("evaluations_per_layer", candidate.EvaluationsPerLayer);
            json.WriteBoolean("fits", candidate.Fits);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }
}

/// <summary>Says in words whether fixed-point steps find the hidden state before a layer.</summary>
internal static class EstimateVerdict
{
    /// <summary>Returns the verdict on the measured layers; null if there are none.</summary>
    public static string? Of(IReadOnlyList<LayerEstimate> layers)
    {
        if (layers.Count == 0) return null;
        double low = layers.Min(l => l.LipschitzFactor), high = layers.Max(l => l.LipschitzFactor);
        string range = string.Create(CultureInfo.InvariantCulture, $"{low:G3} to {high:G3}");
        var text = $"Fixed-point steps find the hidden state before a layer only if the Lipschitz factor of its function is below 1: " +
            $"here it is {range}, below 1 in {Share(layers.Count(l => l.LipschitzFactor < 1), layers.Count)}. " +
            $"On this text the first step improves the estimate in {Helped(1)}";
        return layers[0].LocalFactors.Count == 1 ? $"{text}." : $"{text}, the second in {Helped(2)}.";

        string Helped(int step) => Share(layers.Count(l => l.LocalFactors[step - 1] < 1), layers.Count);
    }

    private static string Share(int some, int all) =>
        some == all ? all == 1 ? "the one layer" : $"all {all} layers" : $"{(some == 0 ? "none" : $"{some}")} of {all} layers";
}
