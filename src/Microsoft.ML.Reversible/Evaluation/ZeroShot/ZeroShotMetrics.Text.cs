using System.Text;
using System.Text.Json;
using Microsoft.ML.Reversible.Evaluation;

namespace Microsoft.ML.Reversible;

public sealed partial class ZeroShotMetrics
{
    /// <summary>A table in Markdown with the columns of lm-evaluation-harness, of the metrics that are customary for each task.</summary>
    /// <param name="metrics">The tasks, in the table's order.</param>
    public static string ToTable(IEnumerable<ZeroShotMetrics> metrics)
    {
        ArgumentNullException.ThrowIfNull(metrics);
        return ZeroShotTable.Of(metrics);
    }

    /// <summary>The table of this task alone.</summary>
    public override string ToString() => ToTable([this]);

    /// <summary>
    /// One line of JSON: <c>task</c>, <c>n</c>, <c>num_fewshot</c>, the numbers with their standard errors, such as <c>acc</c> and
    /// <c>acc_stderr</c>, and <c>seconds</c>. What is not a number is null.
    /// </summary>
    public string ToJson()
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartObject();
            json.WriteString("task", Task);
            json.WriteNumber("n", ItemCount);
            json.WriteNumber("num_fewshot", ShotCount);
            foreach (string name in JsonNames())
            {
                ZeroShotMetric metric = Find(name);
                Write(json, name, metric.Value);
                if (Kind != ZeroShotKind.RollingLogLikelihood) Write(json, name + "_stderr", metric.StandardError);
            }
            Write(json, "seconds", Math.Round(Duration.TotalSeconds, 3));
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length);
    }

    /// <summary>Choices have one and the same fields in all tasks, whether a task is customarily compared by them or not.</summary>
    private IEnumerable<string> JsonNames() => Kind is ZeroShotKind.MultipleChoice or ZeroShotKind.MultipleInput
        ? [ZeroShotMetricNames.Accuracy, ZeroShotMetricNames.NormalizedAccuracy]
        : Values.Select(value => value.Name);

    private static void Write(Utf8JsonWriter json, string name, double value)
    {
        if (double.IsFinite(value)) json.WriteNumber(name, value);
        else json.WriteNull(name);
    }
}
