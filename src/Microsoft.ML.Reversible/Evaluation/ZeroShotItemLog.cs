using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.ML.Reversible.Checkpoints;

namespace Microsoft.ML.Reversible.Evaluation;

/// <summary>Collects the items of an evaluation as lines of JSON, and saves them at the end.</summary>
internal sealed class ZeroShotItemLog : IDisposable
{
    private static readonly JsonWriterOptions _format = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly MemoryStream _lines = new();

    /// <summary>Adds an item.</summary>
    public void Add(long row, ZeroShotKind kind, ZeroShotScore score)
    {
        using (var json = new Utf8JsonWriter(_lines, _format))
        {
            json.WriteStartObject();
            json.WriteNumber("doc_id", row);
            Write(json, "contexts", score.Item.Contexts, json.WriteStringValue);
            Write(json, "continuations", score.Item.Continuations, json.WriteStringValue);
            Write(json, "log_likelihoods", score.LogLikelihoods, value => WriteFinite(json, value));
            Write(json, "is_greedy", score.Scores.Select(one => one.IsGreedy), json.WriteBooleanValue);
            Write(json, "token_counts", score.Scores.Select(one => one.TokenCount), json.WriteNumberValue);
            Write(json, "lengths", score.Lengths, json.WriteNumberValue);
            Write(json, "byte_lengths", score.ByteLengths, json.WriteNumberValue);
            if (kind is ZeroShotKind.MultipleChoice or ZeroShotKind.MultipleInput)
            {
                json.WriteNumber("gold", score.Item.Gold);
                json.WriteNumber("prediction", score.Prediction);
                json.WriteNumber("prediction_norm", score.NormalizedPrediction);
                json.WriteNumber("prediction_bytes", score.BytesPrediction);
            }
            json.WriteEndObject();
        }
        _lines.WriteByte((byte)'\n');
    }

    /// <summary>Writes the file atomically.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">Writing it is not permitted.</exception>
    public void Save(string path) => AtomicFile.Write(path, _lines.WriteTo);

    public void Dispose() => _lines.Dispose();

    private static void Write<T>(Utf8JsonWriter json, string name, IEnumerable<T> values, Action<T> write)
    {
        json.WriteStartArray(name);
        foreach (T value in values) write(value);
        json.WriteEndArray();
    }

    private static void WriteFinite(Utf8JsonWriter json, double value)
    {
        if (double.IsFinite(value)) json.WriteNumberValue(value);
        else json.WriteNullValue();
    }
}
