using System.Globalization;
using System.Text.Json;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>What tokenizer_config.json says that bears on ids.</summary>
/// <param name="Path">The file, for messages.</param>
internal sealed record TokenizerConfiguration(string Path)
{
    /// <summary>The file's name.</summary>
    public const string FileName = "tokenizer_config.json";

    private const string KindField = "reversible_tokenization";

    // Older folders name their special tokens here.
    private const string MapFileName = "special_tokens_map.json";

    /// <summary>What a token is, where the folder was written by this library.</summary>
    public TextTokenization? Kind { get; private init; }

    /// <summary>What ends a document.</summary>
    public string? EndOfText { get; private init; }

    /// <summary>The token that begins a text; null where none is named.</summary>
    public string? BeginOfText { get; private init; }

    /// <summary>Whether the file says that no token begins a text, with a bos_token of null.</summary>
    public bool LacksBeginOfText { get; private init; }

    /// <summary>Whether <see cref="BeginOfText"/> is put before every text; null where nothing is said.</summary>
    public bool? AddsBeginOfText { get; private init; }

    /// <summary>Whether a space is put before every text.</summary>
    public bool AddsPrefixSpace { get; private init; }

    /// <summary>Special tokens by id.</summary>
    public IReadOnlyDictionary<int, string> SpecialTokens { get; private init; } = new Dictionary<int, string>();

    /// <summary>
    /// Reads the file beside the others; empty where there is none. The tokens that it does not name are those of special_tokens_map.json.
    /// </summary>
    /// <exception cref="InvalidDataException">One of the two files is malformed.</exception>
    public static TokenizerConfiguration Read(TokenizerFiles files)
    {
        TokenizerConfiguration configuration = ReadOwn(files);
        if (!files.Has(MapFileName)) return configuration;
        string path = files.PathOf(MapFileName);
        using JsonDocument document = TokenizerJson.ParseObject(files.Read(MapFileName), path);
        JsonElement root = document.RootElement;
        return configuration with
        {
            EndOfText = configuration.EndOfText ?? TokenIn(root, "eos_token", path),
            BeginOfText = configuration.BeginOfText ?? (configuration.LacksBeginOfText ? null : TokenIn(root, "bos_token", path)),
        };
    }

    private static TokenizerConfiguration ReadOwn(TokenizerFiles files)
    {
        string path = files.PathOf(FileName);
        if (!files.Has(FileName)) return new TokenizerConfiguration(path);
        using JsonDocument document = TokenizerJson.ParseObject(files.Read(FileName), path);
        JsonElement root = document.RootElement;
        return TokenizerJson.Unescaped(path, () => new TokenizerConfiguration(path)
        {
            Kind = KindIn(root, path),
            EndOfText = TokenIn(root, "eos_token", path),
            BeginOfText = TokenIn(root, "bos_token", path),
            LacksBeginOfText = root.TryGetProperty("bos_token", out JsonElement begin) && begin.ValueKind == JsonValueKind.Null,
            AddsBeginOfText = root.TryGet("add_bos_token", out JsonElement adds) ? adds.ValueKind == JsonValueKind.True : null,
            AddsPrefixSpace = root.IsTrue("add_prefix_space"),
            SpecialTokens = SpecialIn(root, path),
        });
    }

    /// <summary>Writes a configuration.</summary>
    public static void Write(Stream stream, string? tokenizerClass, string begin, string end, TextTokenization? kind, bool addsBegin) =>
        TokenizerJson.Write(stream, json =>
        {
            if (tokenizerClass is not null) json.WriteString("tokenizer_class", tokenizerClass);
            json.WriteString("bos_token", begin);
            json.WriteString("eos_token", end);
            if (kind is { } named)
            {
                json.WriteString("unk_token", end);
                json.WriteBoolean("add_prefix_space", false);
                json.WriteString(KindField, NameOf(named));
            }
            else
            {
                json.WriteBoolean("add_bos_token", addsBegin);
            }
        });

    private static TextTokenization? KindIn(JsonElement root, string path)
    {
        if (!root.TryGetProperty(KindField, out JsonElement name)) return null;
        TextTokenization[] named = name.ValueKind == JsonValueKind.String
            ? Array.FindAll(Enum.GetValues<TextTokenization>(), value => name.ValueEquals(NameOf(value)))
            : [];
        return named.Length > 0
            ? named[0]
            : throw TokenizerJson.Malformed(path, $"{KindField} is {name.GetRawText()} and must be \"character\", \"byte\" or \"bpe\"");
    }

    private static string? TokenIn(JsonElement root, string name, string path)
    {
        if (!root.TryGet(name, out JsonElement token)) return null;

        // Hugging Face writes a token as its text or as an object around it.
        if (token.TryGet("content", out JsonElement content)) token = content;
        return token.ValueKind == JsonValueKind.String && TokenizerJson.Unescaped(path, token.GetString) is { Length: > 0 } text
            ? text
            : throw TokenizerJson.Malformed(path, $"{name} is no text");
    }

    private static Dictionary<int, string> SpecialIn(JsonElement root, string path)
    {
        var special = new Dictionary<int, string>();
        if (!root.TryGet("added_tokens_decoder", out JsonElement tokens) || tokens.ValueKind != JsonValueKind.Object) return special;
        foreach (JsonProperty token in tokens.EnumerateObject())
            if (int.TryParse(token.Name, NumberStyles.None, CultureInfo.InvariantCulture, out int id) && token.Value.IsTrue("special")
                && TokenizerJson.Unescaped(path, () => token.Value.TextOf("content")) is { Length: > 0 } text)
                special[id] = text;
        return special;
    }

    private static string NameOf(TextTokenization kind) => kind.ToString().ToLowerInvariant();
}
