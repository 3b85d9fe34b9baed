using System.Text.Json;
using System.Text.Json.Nodes;

namespace Microsoft.ML.Reversible.Checkpoints;

/// <summary>
/// Reads and writes the ids that end a text in Hugging Face's generation_config.json. Its sampling settings are the caller's to choose.
/// </summary>
internal static class GenerationConfigurationFile
{
    /// <summary>The file's name in a folder.</summary>
    public const string FileName = "generation_config.json";

    /// <summary>The ids that end a generated text; null where there is no such file or it names none.</summary>
    /// <exception cref="InvalidDataException">The file is malformed; the message names it.</exception>
    public static IReadOnlyList<int>? ReadEnds(string folder)
    {
        string path = Path.Combine(folder, FileName);
        if (!File.Exists(path)) return null;
        try
        {
            return ConfigurationJson.Read(path).Numbers("eos_token_id") is { Count: > 0 } ends ? ends : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException or InvalidDataException)
        {
            throw new InvalidDataException($"'{path}' is malformed: {e.Message}", e);
        }
    }

    /// <summary>Writes the ids, where there are any.</summary>
    public static void Write(string folder, SpecialTokens tokens)
    {
        if (tokens.EndOfGeneration is not { } ends) return;
        var json = new JsonObject
        {
            ["bos_token_id"] = tokens.BeginOfText,
            ["eos_token_id"] = new JsonArray([.. ends.Select(id => (JsonNode)id)]),
        };
        File.WriteAllText(Path.Combine(folder, FileName), json.ToJsonString() + "\n");
    }
}
