using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.ML.Reversible.Checkpoints;

namespace Microsoft.ML.Reversible.Text;

/// <summary>
/// A vocabulary as Hugging Face's tokenizer files for GPT-2, with one field of ours in tokenizer_config.json that names the kind.
/// </summary>
internal static class VocabularyFolder
{
    private const string VocabularyFile = "vocab.json";
    private const string MergesFile = "merges.txt";
    private const string ConfigurationFile = "tokenizer_config.json";
    private const string KindField = "reversible_tokenization";
    private const string MergesHeader = "#version: 0.2";

    private static readonly JsonWriterOptions _writerOptions =
        new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes the files into a folder.</summary>
    public static void Write(string folder, Vocabulary vocabulary)
    {
        WriteJson(Path.Combine(folder, VocabularyFile), json =>
        {
            for (int id = 0; id < vocabulary.Tokens.Count; id++) json.WriteNumber(vocabulary.Tokens[id], id);
        });
        AtomicFile.Write(Path.Combine(folder, MergesFile), stream =>
        {
            using var writer = new StreamWriter(stream, leaveOpen: true) { NewLine = "\n" };
            writer.WriteLine(MergesHeader);
            foreach (string merge in vocabulary.Merges) writer.WriteLine(merge);
        });
        WriteJson(Path.Combine(folder, ConfigurationFile), json =>
        {
            // No class of Hugging Face's cuts text into characters; none is named rather than a wrong one.
            if (vocabulary.Kind != TextTokenization.Character) json.WriteString("tokenizer_class", "GPT2Tokenizer");
            json.WriteString("bos_token", vocabulary.EndOfText);
            json.WriteString("eos_token", vocabulary.EndOfText);
            json.WriteString("unk_token", vocabulary.EndOfText);
            json.WriteBoolean("add_prefix_space", false);
            json.WriteString(KindField, NameOf(vocabulary.Kind));
        });
    }

    /// <summary>Reads the files of a folder. Without tokenizer_config.json they are taken for GPT-2's.</summary>
    public static Vocabulary Read(string folder)
    {
        (TextTokenization kind, string endOfText) = ReadConfiguration(Path.Combine(folder, ConfigurationFile));
        string[] tokens = ReadTokens(Existing(folder, VocabularyFile));
        string[] merges = ReadMerges(Existing(folder, MergesFile));
        var vocabulary = new Vocabulary(kind, tokens, merges, endOfText);
        VocabularyCheck.Check(vocabulary, Path.Combine(folder, VocabularyFile), Path.Combine(folder, MergesFile));
        return vocabulary;
    }

    private static (TextTokenization Kind, string EndOfText) ReadConfiguration(string path)
    {
        (TextTokenization kind, string endOfText) = (TextTokenization.Bpe, Vocabulary.DefaultEndOfText);
        if (!File.Exists(path)) return (kind, endOfText);

        using JsonDocument document = ParseObject(path);
        JsonElement root = document.RootElement;
        if (root.TryGetProperty(KindField, out JsonElement name))
        {
            TextTokenization[] named = name.ValueKind == JsonValueKind.String
                ? Array.FindAll(Enum.GetValues<TextTokenization>(), value => name.ValueEquals(NameOf(value)))
                : [];
            if (named.Length == 0)
                throw Malformed(path, $"{KindField} is {name.GetRawText()} and must be \"character\", \"byte\" or \"bpe\"");
            kind = named[0];
        }

        if (root.TryGetProperty("add_prefix_space", out JsonElement prefix) && prefix.ValueKind == JsonValueKind.True)
            throw Malformed(path, "it asks for add_prefix_space, which is not supported");
        if (!root.TryGetProperty("eos_token", out JsonElement token) || token.ValueKind == JsonValueKind.Null) return (kind, endOfText);

        // Hugging Face writes a token as its text or as an object around it.
        if (token.ValueKind == JsonValueKind.Object && token.TryGetProperty("content", out JsonElement content)) token = content;
        return token.ValueKind == JsonValueKind.String && Unescaped(path, () => token.GetString()!) is { Length: > 0 } text
            ? (kind, text)
            : throw Malformed(path, "eos_token is no text");
    }

    private static string[] ReadTokens(string path)
    {
        using JsonDocument document = ParseObject(path);
        JsonProperty[] entries = [.. document.RootElement.EnumerateObject()];
        if (entries.Length == 0) throw Malformed(path, "it has no tokens");
        var tokens = new string?[entries.Length];
        foreach (JsonProperty entry in entries)
        {
            string token = Unescaped(path, () => entry.Name);
            if (entry.Value.ValueKind != JsonValueKind.Number || !entry.Value.TryGetInt32(out int id))
                throw Malformed(path, $"the id of '{token}' is {entry.Value.GetRawText()} and must be a whole number");
            if ((uint)id >= (uint)tokens.Length)
                throw Malformed(path, $"the id of '{token}' is {id}, but those of {tokens.Length} tokens must be 0 to {tokens.Length - 1}");
            if (tokens[id] is { } other) throw Malformed(path, $"'{other}' and '{token}' both have the id {id}");
            tokens[id] = token;
        }
        return tokens!;
    }

    private static string[] ReadMerges(string path)
    {
        // Only line feeds end a line, with a carriage return or without, as in the files of the field.
        string[] lines = File.ReadAllText(path).Split('\n');
        var merges = new List<string>();
        for (int i = 0; i < lines.Length; i++)
        {
            string line = lines[i].TrimEnd('\r');
            if (line.Length == 0 || (i == 0 && line.StartsWith("#version", StringComparison.Ordinal))) continue;
            if (line.Split(' ') is not [{ Length: > 0 }, { Length: > 0 }])
                throw Malformed(path, $"line {i + 1} is '{line}' and must be two tokens with one space between");
            merges.Add(line);
        }
        return [.. merges];
    }

    private static JsonDocument ParseObject(string path)
    {
        try
        {
            // Reading as text takes a byte order mark away, which the JSON reader refuses.
            JsonDocument document = JsonDocument.Parse(File.ReadAllText(path));
            if (document.RootElement.ValueKind == JsonValueKind.Object) return document;
            document.Dispose();
        }
        catch (JsonException e)
        {
            throw Malformed(path, $"it is no JSON: {e.Message}", e);
        }
        throw Malformed(path, "it is no JSON object");
    }

    // Valid JSON may still escape half a surrogate pair, which only reading the text brings to light.
    private static string Unescaped(string path, Func<string> read)
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

    private static void WriteJson(string path, Action<Utf8JsonWriter> write) => AtomicFile.Write(path, stream =>
    {
        using var json = new Utf8JsonWriter(stream, _writerOptions);
        json.WriteStartObject();
        write(json);
        json.WriteEndObject();
    });

    private static string Existing(string folder, string file)
    {
        string path = Path.Combine(folder, file);
        return File.Exists(path)
            ? path
            : throw new FileNotFoundException(
                $"The folder '{folder}' lacks the tokenizer file '{file}'. Save the model again, or copy the file there.", path);
    }

    private static string NameOf(TextTokenization kind) => kind.ToString().ToLowerInvariant();

    private static InvalidDataException Malformed(string path, string reason, Exception? inner = null) =>
        new($"The tokenizer file '{path}' is malformed: {reason}.", inner);
}
