using System.Text;
using System.Text.Json;

namespace Microsoft.ML.Reversible.Retrofitting;

/// <summary>A <see cref="RetrofitReport"/> as a line of JSON.</summary>
internal static class RetrofitJson
{
    /// <summary>Writes it.</summary>
    public static string Of(RetrofitReport report)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString("scheme", report.Scheme.ToString());
            Write(json, "before", report.Before);
            if (report.After is { } after) Write(json, "after", after);
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

    private static void Write(Utf8JsonWriter json, StreamMemory memory)
    {
        json.WriteStartObject("stream_memory");
        json.WriteNumber("tokens", memory.Tokens);
        json.WriteNumber("reversible_bytes", memory.Reversible);
        json.WriteNumber("side_bytes", memory.SideBits);
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
