using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;
using Microsoft.ML.Reversible.Storage;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>Reads and writes JSON files of tokenizers.</summary>
internal static class TokenizerJson
{
    /// <summary>
    /// UTF-16 units in the longest token that is accepted. The longest in use have some hundred, and work grows with the square.
    /// </summary>
    public const int LongestToken = 1024;

    private static readonly JsonWriterOptions _writerOptions =
        new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Parses a file that must be a JSON object.</summary>
    /// <exception cref="InvalidDataException">It is not.</exception>
    public static JsonDocument ParseObject(byte[] file, string path)
    {
        if (!Utf8.IsValid(file)) throw Malformed(path, "it is not UTF-8");
        try
        {
            // The JSON reader refuses a byte order mark, which is harmless.
            int start = file.AsSpan().StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF]) ? 3 : 0;
            JsonDocument document = JsonDocument.Parse(file.AsMemory(start));
            if (document.RootElement.ValueKind == JsonValueKind.Object) return document;
            document.Dispose();
        }
        catch (JsonException e)
        {
            throw Malformed(path, $"it is not JSON: {JsonFault.Of(e)}", e);
        }
        throw Malformed(path, "it is not a JSON object");
    }

    /// <summary>Runs code that reads strings of a document, and names the file if one is broken.</summary>
    /// <remarks>Valid JSON may escape half a surrogate pair, which fails only when the text is read.</remarks>
    /// <exception cref="InvalidDataException">A text is broken.</exception>
    public static T Unescaped<T>(string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (InvalidOperationException e)
        {
            throw Malformed(path, $"a text in it is broken: {e.Message}", e);
        }
    }

    /// <summary>Gets a member that exists and is not null.</summary>
    public static bool TryGet(this JsonElement element, string name, out JsonElement value)
    {
        value = default;
        return element.ValueKind == JsonValueKind.Object
            && element.TryGetProperty(name, out value) && value.ValueKind != JsonValueKind.Null;
    }

    /// <summary>Returns whether a member is true.</summary>
    public static bool IsTrue(this JsonElement element, string name) =>
        element.TryGet(name, out JsonElement value) && value.ValueKind == JsonValueKind.True;

    /// <summary>Returns a member's text; null if it is missing or not a text.</summary>
    public static string? TextOf(this JsonElement element, string name) =>
        element.TryGet(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    /// <summary>Returns the items of an array; none if the member is not an array.</summary>
    public static IEnumerable<JsonElement> ItemsOf(this JsonElement element, string name) =>
        element.TryGet(name, out JsonElement value) && value.ValueKind == JsonValueKind.Array ? value.EnumerateArray() : [];

    /// <summary>Reads an object of tokens with their ids. Returns the tokens by id.</summary>
    /// <exception cref="InvalidDataException">There are none, an id is not a whole number from 0, or two tokens have one id.</exception>
    public static Dictionary<int, string> ReadIds(JsonElement vocabulary, string path)
    {
        var byId = new Dictionary<int, string>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        int count = 0;
        foreach (JsonProperty entry in vocabulary.EnumerateObject())
        {
            count++;
            string token = Unescaped(path, () => entry.Name);
            if (!entry.Value.TryGetWhole(out int id))
                throw Malformed(path, $"the id of '{token}' is {entry.Value.GetRawText()} and must be a whole number");
            if (token.Length > LongestToken)
                throw Malformed(path, $"the token of id {id} has {token.Length} characters, more than {LongestToken}");
            if (byId.TryGetValue(id, out string? other)) throw Malformed(path, $"'{other}' and '{token}' both have the id {id}");
            if (!seen.Add(token)) throw Malformed(path, $"it has the token '{token}' twice");
            byId.Add(id, token);
        }
        if (count == 0) throw Malformed(path, "it has no tokens");
        foreach ((int id, string token) in byId)
            if (id < 0) throw Malformed(path, $"the id of '{token}' is {id}, but those of {count} tokens must be 0 to {count - 1}");
        return byId;
    }

    /// <summary>Writes an object to a stream.</summary>
    public static void Write(Stream stream, Action<Utf8JsonWriter> write)
    {
        using var json = new Utf8JsonWriter(stream, _writerOptions);
        json.WriteStartObject();
        write(json);
        json.WriteEndObject();
    }

    /// <summary>Returns the exception for a malformed file.</summary>
    public static InvalidDataException Malformed(string path, string reason, Exception? inner = null) =>
        new($"The tokenizer file '{path}' is malformed: {reason}.", inner);
}
