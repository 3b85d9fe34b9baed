using System.Globalization;
using System.Text.Json;

namespace Microsoft.ML.Reversible.Storage;

/// <summary>The JSON object of a line, or an object inside it.</summary>
internal sealed class JsonRow
{
    private readonly SourceLine _line;
    private readonly JsonElement _object;

    private JsonRow(SourceLine line, JsonElement value)
    {
        _line = line;
        _object = value;
    }

    /// <summary>Reads a file with one object in each line. Blank lines are skipped.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">A line is not a JSON object.</exception>
    public static IEnumerable<JsonRow> Read(string path) => Read(SourceFile.Lines(path));

    /// <summary>Reads lines with one object in each. Blank lines are skipped.</summary>
    /// <exception cref="InvalidDataException">A line is not a JSON object.</exception>
    public static IEnumerable<JsonRow> Read(IEnumerable<SourceLine> lines) =>
        lines.Where(line => !string.IsNullOrWhiteSpace(line.Text)).Select(Parse);

    /// <summary>Returns whether a file begins with a JSON object, after blank lines.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    public static bool IsIn(string path) =>
        SourceFile.Lines(path).FirstOrDefault(line => !string.IsNullOrWhiteSpace(line.Text))?.Text.TrimStart()[0] == '{';

    /// <summary>Returns the exception for a problem with the row.</summary>
    public InvalidDataException Broken(string problem) => _line.Broken(problem);

    /// <summary>Returns whether the object has a field that is not null.</summary>
    public bool Has(string name) => Find(name) is { ValueKind: not JsonValueKind.Null };

    /// <summary>Returns whether the object has a field that is an object.</summary>
    public bool HasObject(string name) => Find(name) is { ValueKind: JsonValueKind.Object };

    /// <summary>Returns whether the object has a field that is an array.</summary>
    public bool HasArray(string name) => Find(name) is { ValueKind: JsonValueKind.Array };

    /// <summary>Returns whether the object has a field that is text.</summary>
    public bool HasText(string name) => Find(name) is { ValueKind: JsonValueKind.String };

    /// <summary>Returns a field that is an object.</summary>
    public JsonRow Object(string name) => new(_line, Field(name, JsonValueKind.Object, "an object"));

    /// <summary>Returns a field that is an array of objects.</summary>
    public JsonRow[] Objects(string name) =>
    [
        .. Field(name, JsonValueKind.Array, "an array of objects").EnumerateArray().Select(value =>
            value.ValueKind == JsonValueKind.Object ? new JsonRow(_line, value) : throw Broken($"'{name}' is not an array of objects.")),
    ];

    /// <summary>Returns a field that is text.</summary>
    public string Text(string name) => Decoded(name, Field(name, JsonValueKind.String, "a text"));

    /// <summary>Returns a field that is an array of texts.</summary>
    public string[] Texts(string name) =>
    [
        .. Field(name, JsonValueKind.Array, "an array of texts").EnumerateArray().Select(value =>
            value.ValueKind == JsonValueKind.String ? Decoded(name, value) : throw Broken($"'{name}' is not an array of texts.")),
    ];

    /// <summary>Returns a field that is a text or a number, as text. A whole number may be written as 1.0.</summary>
    public string Label(string name)
    {
        JsonElement value = Field(name);
        if (value.ValueKind == JsonValueKind.String) return Decoded(name, value);
        return value.TryGetWhole(out int number) ? number.ToString(CultureInfo.InvariantCulture) : value.GetRawText();
    }

    /// <summary>Returns a field that is the index of a choice, as a number or as text.</summary>
    public int Index(string name, int choices)
    {
        string text = Label(name);
        return IndexOf(text, choices) ??
            throw Broken($"'{name}' is {SourceLine.Shown(text)}, but must be the index of one of {choices} choices, counted from 0.");
    }

    /// <summary>Parses the index of a choice; null if the text is not an index.</summary>
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
            throw _line.Broken("the name of a field has an unpaired surrogate.", e);
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
            // JSON can escape an unpaired surrogate, but UTF-8 cannot represent it.
            throw _line.Broken($"'{name}' has an unpaired surrogate.", e);
        }
    }

    private static JsonRow Parse(SourceLine line)
    {
        try
        {
            JsonElement value = JsonSerializer.Deserialize<JsonElement>(line.Text);
            return value.ValueKind == JsonValueKind.Object
                ? new JsonRow(line, value)
                : throw line.Broken("is not a JSON object. The file must have one object per line.");
        }
        catch (JsonException e)
        {
            throw line.Broken("is not a JSON object. The file must have one object per line.", e);
        }
    }
}
