using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Microsoft.ML.Reversible.Cli;

/// <summary>One object as one line of JSON.</summary>
internal sealed class JsonLine
{
    // Schemes and messages are for people too.
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

    /// <summary>Adds a number; JSON has none that is not finite, so such a one is null, as what there is not.</summary>
    public JsonLine Add(string name, double? value)
    {
        if (value is { } number && double.IsFinite(number)) _json.WriteNumber(name, number);
        else _json.WriteNull(name);
        return this;
    }

    /// <summary>Writes the line, and hands it on at once to whoever reads along.</summary>
    public void WriteTo(TextWriter output)
    {
        _json.WriteEndObject();
        _json.Flush();
        output.Write(Encoding.UTF8.GetString(_buffer.ToArray()) + "\n");
        output.Flush();
    }
}
