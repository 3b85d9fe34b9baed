using System.Globalization;
using System.Text.Json;

namespace Microsoft.ML.Reversible.Evaluation;

/// <summary>A JSON object of a line, or one inside it.</summary>
internal sealed class JsonRow
{
    private readonly SourceLine _line;
    private readonly JsonElement _object;

    private JsonRow(SourceLine line, JsonElement value)
    {
        _line = line;
        _object = value;
    }

    /// <summary>The objects of a file that has one in each line; empty lines are passed over.</summary>
    /// <exception cref="InvalidDataException">A line is no JSON object.</exception>
    public static IEnumerable<JsonRow> Read(IEnumerable<SourceLine> lines) =>
        lines.Where(line => !string.IsNullOrWhiteSpace(line.Text)).Select(Parse);

    /// <summary>The exception that refuses the row.</summary>
    public InvalidDataException Broken(string problem) => _line.Broken(problem);

    public bool Has(string name) => Find(name) is { ValueKind: not JsonValueKind.Null };

    public bool HasObject(string name) => Find(name) is { ValueKind: JsonValueKind.Object };

    /// <summary>A field that holds an object.</summary>
    public JsonRow Object(string name) => new(_line, Field(name, JsonValueKind.Object, "an object"));

    /// <summary>A field that holds an array of objects.</summary>
    public JsonRow[] Objects(string name) =>
    [
        .. Field(name, JsonValueKind.Array, "an array of objects").EnumerateArray().Select(value =>
            value.ValueKind == JsonValueKind.Object ? new JsonRow(_line, value) : throw Broken($"'{name}' is not an array of objects.")),
    ];

    /// <summary>A field that holds a text.</summary>
    public string Text(string name) => Decoded(name, Field(name, JsonValueKind.String, "a text"));

    /// <summary>A field that holds an array of texts.</summary>
    public string[] Texts(string name) =>
    [
        .. Field(name, JsonValueKind.Array, "an array of texts").EnumerateArray().Select(value =>
            value.ValueKind == JsonValueKind.String ? Decoded(name, value) : throw Broken($"'{name}' is not an array of texts.")),
    ];

    /// <summary>A field that holds the index of one of several choices, as a number or as its text.</summary>
    public int Index(string name, int choices)
    {
        JsonElement value = Field(name);
        string text = value.ValueKind == JsonValueKind.String ? Decoded(name, value) : value.GetRawText();
        return IndexOf(text, choices) ??
            throw Broken($"'{name}' is {SourceLine.Shown(text)}, but must be the index of one of {choices} choices, counted from 0.");
    }

    /// <summary>The number that a text is, if it is the index of one of several choices.</summary>
    public static int? IndexOf(string text, int choices) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int index) && index < choices ? index : null;

    private JsonElement Field(string name) => Find(name) ?? throw Broken($"there is no '{name}'.");

    private JsonElement? Find(string name)
    {
        try
        {
            return _object.TryGetProperty(name, out JsonElement value) ? value : null;
        }
        catch (InvalidOperationException e)
        {
            throw _line.Broken("the name of a field holds half a character.", e);
        }
    }

    private JsonElement Field(string name, JsonValueKind kind, string what) =>
        Field(name) is var value && value.ValueKind == kind ? value : throw Broken($"'{name}' is not {what}.");

    private string Decoded(string name, JsonElement value)
    {
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException e)
        {
            // Half of a surrogate pair, which JSON can write and no text can hold.
            throw _line.Broken($"'{name}' holds half a character.", e);
        }
    }

    private static JsonRow Parse(SourceLine line)
    {
        try
        {
            JsonElement value = JsonSerializer.Deserialize<JsonElement>(line.Text);
            return value.ValueKind == JsonValueKind.Object
                ? new JsonRow(line, value)
                : throw line.Broken("is not a JSON object. The file must hold one object in each line.");
        }
        catch (JsonException e)
        {
            throw line.Broken("is not a JSON object. The file must hold one object in each line.", e);
        }
    }
}
