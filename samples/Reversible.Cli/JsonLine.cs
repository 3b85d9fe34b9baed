using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Microsoft.ML.Reversible.Cli;

/// <summary>One object as one line of JSON.</summary>
internal sealed class JsonLine
{
    // Keeps schemes and messages readable.
    private static readonly JsonWriterOptions _options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly MemoryStream _buffer = new();
    private readonly Utf8JsonWriter _json;

    public JsonLine()
    {
        _json = new Utf8JsonWriter(_buffer, _options);
        _json.WriteStartObject();
    }

    public JsonLine Add(string name, string value)
    {
        _json.WriteString(name, value);
        return this;
    }

    public JsonLine Add(string name, bool value)
    {
        _json.WriteBoolean(name, value);
        return this;
    }

    public JsonLine Add(string name, long value)
    {
        _json.WriteNumber(name, value);
        return this;
    }

    /// <summary>Adds a number; null if it is missing, or not finite and so not valid in JSON.</summary>
    public JsonLine Add(string name, double? value)
    {
        if (value is { } number && double.IsFinite(number)) _json.WriteNumber(name, number);
        else _json.WriteNull(name);
        return this;
    }

    /// <summary>Writes the line and flushes it, so that a reader gets it immediately.</summary>
    public void WriteTo(TextWriter output)
    {
        _json.WriteEndObject();
        _json.Flush();
        output.Write(Encoding.UTF8.GetString(_buffer.ToArray()) + "\n");
        output.Flush();
    }
}
