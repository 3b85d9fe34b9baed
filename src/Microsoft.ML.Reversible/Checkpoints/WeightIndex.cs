using System.Text.Json;

namespace Microsoft.ML.Reversible.Checkpoints;

/// <summary>model.safetensors.index.json: which of a folder's files holds which tensor.</summary>
internal static class WeightIndex
{
    public const string FileName = WeightFiles.SingleFile + ".index.json";

    /// <summary>Bytes of an index: a large model's takes some hundred kilobytes.</summary>
    private const int MostBytes = 32 << 20;

    private static readonly JsonWriterOptions _indented = new() { Indented = true };

    /// <summary>Names that are devices on Windows, whatever follows behind a dot.</summary>
    private static readonly string[] _devices =
        ["CON", "PRN", "AUX", "NUL", .. Enumerable.Range(0, 10).SelectMany(i => (string[])[$"COM{i}", $"LPT{i}"])];

    /// <summary>The files by tensor.</summary>
    /// <exception cref="InvalidDataException">The index is damaged, or names something else than a file of its own folder.</exception>
    public static Dictionary<string, string> Read(string path)
    {
        try
        {
            if (new FileInfo(path).Length > MostBytes) throw new InvalidDataException($"it has more than {MostBytes >> 20} MiB");
            using JsonDocument document = JsonDocument.Parse(File.ReadAllText(path));
            if (document.RootElement.ValueKind != JsonValueKind.Object
                || !document.RootElement.TryGetProperty("weight_map", out JsonElement map) || map.ValueKind != JsonValueKind.Object)
                throw new InvalidDataException("it has no weight_map");

            var files = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (JsonProperty entry in map.EnumerateObject())
            {
                string file = entry.Value.ValueKind == JsonValueKind.String ? entry.Value.GetString()! : "";
                if (!IsPlain(file))
                    throw new InvalidDataException(
                        $"it looks for '{ConfigurationJson.Show(entry.Name)}' in {ConfigurationJson.Show(entry.Value.GetRawText())}, " +
                        "which is not a .safetensors file of its folder");
                if (!files.TryAdd(entry.Name, file)) throw new InvalidDataException($"it has '{ConfigurationJson.Show(entry.Name)}' twice");
            }
            return files;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or InvalidDataException)
        {
            throw new InvalidDataException($"'{path}' is not an index of weights: {e.Message}", e);
        }
    }

    public static void Write(string path, IEnumerable<KeyValuePair<string, string>> files, long totalBytes)
    {
        using FileStream stream = File.Create(path);
        using var json = new Utf8JsonWriter(stream, _indented);
        json.WriteStartObject();
        json.WriteStartObject("metadata");
        json.WriteNumber("total_size", totalBytes);
        json.WriteEndObject();
        json.WriteStartObject("weight_map");
        foreach ((string tensor, string file) in files) json.WriteString(tensor, file);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    /// <summary>Whether a name is that of a file in the folder itself, on every system: an index must not reach elsewhere.</summary>
    private static bool IsPlain(string name) =>
        name.EndsWith(".safetensors", StringComparison.Ordinal)
        && name.Length is > 12 and <= 255
        && !name.StartsWith('.')
        && !name.Any(c => c is '/' or '\\' or ':' or '*' or '?' or '"' or '<' or '>' or '|' || char.IsControl(c))
        && !_devices.Contains(name[..name.IndexOf('.')].TrimEnd(), StringComparer.OrdinalIgnoreCase);
}
