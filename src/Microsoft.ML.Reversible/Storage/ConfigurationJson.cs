using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Microsoft.ML.Reversible.Storage;

/// <summary>A JSON object that is read field by field. Exceptions name the field.</summary>
internal sealed class ConfigurationJson(JsonObject json)
{
    private const int MostShown = 100;

    /// <summary>The most bytes of a file: real ones have a few kilobytes, and parsing takes many times the memory of the text.</summary>
    private const int MostBytes = 32 << 20;

    /// <summary>Reads a file.</summary>
    /// <exception cref="JsonException">The file is not JSON.</exception>
    /// <exception cref="InvalidDataException">The file is too large, or not an object.</exception>
    public static ConfigurationJson Read(string path) => JsonNode.Parse(FileStart.ReadText(path, MostBytes)) is JsonObject root
        ? new(root)
        : throw new InvalidDataException("it is not a JSON object");

    /// <summary>The names of the fields.</summary>
    public IEnumerable<string> Names => json.Select(entry => entry.Key);

    /// <summary>Whether a field says nothing: it is missing, null, false, or an empty text, list or object.</summary>
    public bool IsEmpty(string name) => json[name] switch
    {
        null => true,
        JsonArray items => items.Count == 0,
        JsonObject fields => fields.Count == 0,
        JsonValue value => value.TryGetValue(out bool flag) ? !flag : value.TryGetValue(out string? text) && text.Length == 0,
        _ => false,
    };

    /// <summary>Whether a field has a value of a type.</summary>
    public bool Is<T>(string name) => json[name] is JsonValue value && value.TryGetValue(out T? _);

    /// <summary>Whether there is a field that is not null.</summary>
    public bool Has(string name) => json[name] is not null;

    /// <summary>Whether there is a field, which may be null.</summary>
    public bool IsGiven(string name) => json.ContainsKey(name);

    /// <summary>Reads a field that must exist.</summary>
    public T Required<T>(string name) => Has(name) ? Value<T>(name)! : throw new InvalidDataException($"it lacks '{name}'");

    /// <summary>Reads a field, or returns <paramref name="ifAbsent"/> where it is missing or null.</summary>
    public T Value<T>(string name, T ifAbsent) => Has(name) ? Value<T>(name)! : ifAbsent;

    /// <summary>Reads a field; returns the type's default where it is missing or null.</summary>
    public T? Value<T>(string name) => json[name] switch
    {
        null => default,
        JsonValue value when value.TryGetValue(out T? found) => found,
        JsonValue value when typeof(T) == typeof(int) && Whole(value) is { } whole => (T)(object)whole,
        { } other => throw new InvalidDataException($"its {name} is {Show(other)}, not {Kind<T>()}"),
    };

    /// <summary>Reads a whole number; null where it is missing.</summary>
    public int? Number(string name) => Has(name) ? Value<int>(name) : null;

    /// <summary>Reads one whole number or a list of them; none where the field is missing.</summary>
    public IReadOnlyList<int> Numbers(string name)
    {
        if (json[name] is not JsonArray items) return Number(name) is { } one ? [one] : [];
        return [.. items.Select(item => item is JsonValue value && Whole(value) is { } number
            ? number
            : throw new InvalidDataException($"its {name} holds {Show(item)}, which is not a whole number"))];
    }

    /// <summary>Reads a list of texts; null where the field is missing or null.</summary>
    public IReadOnlyList<string>? Texts(string name) => json[name] switch
    {
        null => null,
        JsonArray items => [.. items.Select(item => item is JsonValue value && value.TryGetValue(out string? text)
            ? text
            : throw new InvalidDataException($"its {name} holds {Show(item)}, which is not text"))],
        { } other => throw new InvalidDataException($"its {name} is {Show(other)}, not a list"),
    };

    /// <summary>Reads an object within this one; null where it is missing.</summary>
    public ConfigurationJson? Section(string name) => json[name] switch
    {
        null => null,
        JsonObject inner => new(inner),
        { } other => throw new InvalidDataException($"its {name} is {Show(other)}, not an object"),
    };

    /// <summary>Refuses a field with another value than the only one that is supported.</summary>
    public void Expect<T>(string name, T only)
    {
        if (!Equals(Value(name, only), only))
            throw new InvalidDataException($"its {name} is {Shown(name)}, and only {JsonSerializer.Serialize(only)} is supported");
    }

    /// <summary>
    /// Returns a number with a decimal point, as in <c>30.0</c>: transformers refuses a whole number in some of the fields that are floats.
    /// </summary>
    public static JsonNode? Float(double? value) => value is { } number
        ? JsonNode.Parse(number == Math.Floor(number) && Math.Abs(number) < 1e15
            ? number.ToString("F1", CultureInfo.InvariantCulture)
            : number.ToString("R", CultureInfo.InvariantCulture))
        : null;

    /// <summary>Returns a field as the file writes it, for messages.</summary>
    public string Shown(string name) => Show(json[name]);

    /// <summary>Returns the beginning of a text: a damaged file may hold a very long one.</summary>
    public static string Show(string text) => text.Length <= MostShown ? text : string.Concat(text.AsSpan(0, MostShown), "...");

    private static int? Whole(JsonValue value) =>
        value.TryGetValue(out JsonElement number) && number.TryGetWhole(out int whole) ? whole : null;

    private static string Show(JsonNode? node) => node is null ? "not given" : Show(node.ToJsonString());

    private static string Kind<T>() =>
        typeof(T) == typeof(string) ? "text"
        : typeof(T) == typeof(bool) ? "true or false"
        : typeof(T) == typeof(int) ? "a whole number"
        : "a number";
}
