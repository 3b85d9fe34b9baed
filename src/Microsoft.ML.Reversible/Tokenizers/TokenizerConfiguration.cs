using System.Globalization;
using System.Text.Json;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>The settings of tokenizer_config.json that decide ids.</summary>
/// <param name="Path">The file, for messages.</param>
internal sealed record TokenizerConfiguration(string Path)
{
    /// <summary>The name of the file.</summary>
    public const string FileName = "tokenizer_config.json";

    private const string KindField = "reversible_tokenization";

    // Older folders name their special tokens and their added tokens in these files.
    private const string MapFileName = "special_tokens_map.json";
    private const string AddedFileName = "added_tokens.json";

    private static readonly string[] _specialFields =
    [
        "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token", "additional_special_tokens",
        "extra_special_tokens",
    ];

    /// <summary>What a token is, if this library wrote the folder.</summary>
    public TextTokenization? Kind { get; private init; }

    /// <summary>The token that ends a document; null if none is named.</summary>
    public string? EndOfText { get; private init; }

    /// <summary>The token that begins a text; null if none is named.</summary>
    public string? BeginOfText { get; private init; }

    /// <summary>Whether bos_token is null: no token begins a text.</summary>
    public bool LacksBeginOfText { get; private init; }

    /// <summary>Whether <see cref="BeginOfText"/> is put before every text; null if the file does not say.</summary>
    public bool? AddsBeginOfText { get; private init; }

    /// <summary>Whether a space is put before every text; null if the file does not say.</summary>
    public bool? AddsPrefixSpace { get; private init; }

    /// <summary>
    /// Whether a SentencePiece vocabulary puts a space before every stretch between added tokens; null if the file does not say.
    /// </summary>
    public bool? IsLegacy { get; private init; }

    /// <summary>
    /// The tokens of added_tokens_decoder, or, in a folder without that, of added_tokens.json, as transformers reads them.
    /// </summary>
    public IReadOnlyList<AddedToken> Added { get; private init; } = [];

    /// <summary>The tokens that are named for a purpose, such as padding. Added tokens among them are special.</summary>
    public IReadOnlySet<string> SpecialNames { get; private init; } = new HashSet<string>();

    /// <summary>The template that writes conversations, of several the one named default; null if there is none.</summary>
    public string? ChatTemplate { get; private init; }

    /// <summary>
    /// Reads the file in a tokenizer's folder, if there is one. The tokens that it does not name are read from special_tokens_map.json, and
    /// those that it does not add from added_tokens.json.
    /// </summary>
    /// <exception cref="InvalidDataException">One of the files is malformed.</exception>
    public static TokenizerConfiguration Read(TokenizerFiles files)
    {
        TokenizerConfiguration configuration = ReadMap(files, ReadOwn(files));
        return configuration.Added.Count > 0 || !files.Has(AddedFileName)
            ? configuration
            : configuration with { Added = ReadAdded(files, configuration.SpecialNames) };
    }

    private static TokenizerConfiguration ReadMap(TokenizerFiles files, TokenizerConfiguration configuration)
    {
        if (!files.Has(MapFileName)) return configuration;
        string path = files.PathOf(MapFileName);
        using JsonDocument document = TokenizerJson.ParseObject(files.Read(MapFileName), path);
        JsonElement root = document.RootElement;
        return configuration with
        {
            EndOfText = configuration.EndOfText ?? TokenIn(root, "eos_token", path),
            BeginOfText = configuration.BeginOfText ?? (configuration.LacksBeginOfText ? null : TokenIn(root, "bos_token", path)),
            SpecialNames = configuration.SpecialNames.Concat(SpecialIn(root, path)).ToHashSet(),
        };
    }

    private static AddedToken[] ReadAdded(TokenizerFiles files, IReadOnlySet<string> special)
    {
        string path = files.PathOf(AddedFileName);
        using JsonDocument document = TokenizerJson.ParseObject(files.Read(AddedFileName), path);
        if (!document.RootElement.EnumerateObject().Any()) return [];
        return [.. TokenizerJson.ReadIds(document.RootElement, path)
            .Select(token => new AddedToken(token.Key, token.Value, special.Contains(token.Value), path))];
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
            AddsBeginOfText = Flag(root, "add_bos_token"),
            AddsPrefixSpace = Flag(root, "add_prefix_space"),
            IsLegacy = Flag(root, "legacy"),
            Added = AddedIn(root, path),
            SpecialNames = SpecialIn(root, path).ToHashSet(),
            ChatTemplate = TemplateIn(root, path),
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

        // Hugging Face writes a token as its text or as an object with it.
        if (token.TryGet("content", out JsonElement content)) token = content;
        return token.ValueKind == JsonValueKind.String && TokenizerJson.Unescaped(path, token.GetString) is { Length: > 0 } text
            ? text
            : throw TokenizerJson.Malformed(path, $"{name} is not a text");
    }

    private static string? TemplateIn(JsonElement root, string path)
    {
        if (!root.TryGet("chat_template", out JsonElement template)) return null;
        if (template.ValueKind == JsonValueKind.Array)
            return template.EnumerateArray().FirstOrDefault(named => named.TextOf("name") == "default").TextOf("template");
        return template.ValueKind == JsonValueKind.String
            ? template.GetString()
            : throw TokenizerJson.Malformed(path, "chat_template is neither a text nor a list of named texts");
    }

    private static bool? Flag(JsonElement root, string name) =>
        root.TryGet(name, out JsonElement value) ? value.ValueKind == JsonValueKind.True : null;

    private static AddedToken[] AddedIn(JsonElement root, string path)
    {
        if (!root.TryGet("added_tokens_decoder", out JsonElement tokens)) return [];
        if (tokens.ValueKind != JsonValueKind.Object) throw TokenizerJson.Malformed(path, "added_tokens_decoder is not an object");
        return [.. tokens.EnumerateObject().Select(token =>
            int.TryParse(token.Name, NumberStyles.None, CultureInfo.InvariantCulture, out int id)
                ? AddedToken.Read(token.Value, id, path)
                : throw TokenizerJson.Malformed(path, $"added_tokens_decoder has the id '{token.Name}', which is not a whole number"))];
    }

    private static IEnumerable<string> SpecialIn(JsonElement root, string path)
    {
        foreach (string field in _specialFields)
        {
            root.TryGet(field, out JsonElement tokens);
            foreach (JsonElement token in tokens.ValueKind == JsonValueKind.Array ? [.. tokens.EnumerateArray()] : (JsonElement[])[tokens])
            {
                JsonElement content = token.TryGet("content", out JsonElement inner) ? inner : token;
                if (content.ValueKind == JsonValueKind.String) yield return TokenizerJson.Unescaped(path, content.GetString)!;
            }
        }
    }

    private static string NameOf(TextTokenization kind) => kind.ToString().ToLowerInvariant();
}

/// <summary>
/// The ids that end a document and come before one if the tokenizer's own files do not name them, as config.json may.
/// </summary>
internal readonly record struct SpecialIds(int? EndOfText, int? BeginOfText)
{
    /// <summary>Finds the tokens in a GPT-2 vocabulary: by the configuration, else by these ids, else GPT-2's own.</summary>
    /// <param name="tokens">The tokens by id.</param>
    /// <param name="configuration">The settings of tokenizer_config.json.</param>
    /// <param name="path">The vocabulary's file, for messages.</param>
    /// <param name="template">The token that the post-processor of tokenizer.json puts before a text.</param>
    /// <returns>The token that ends a text, that put before every text (the same if none is), and that of an empty context.</returns>
    /// <exception cref="InvalidDataException">An id is outside the vocabulary.</exception>
    public (string End, string Begin, string Prefix) In(
        IReadOnlyList<string> tokens, TokenizerConfiguration configuration, string path, string? template = null)
    {
        string end = configuration.EndOfText ?? At(EndOfText) ?? Vocabulary.DefaultEndOfText;
        string? named = configuration.AddsBeginOfText switch
        {
            true => configuration.BeginOfText ?? template,
            false => null,
            null => template,
        };
        string? begin = configuration.LacksBeginOfText ? null : configuration.BeginOfText ?? template ?? At(BeginOfText);
        return (end, named ?? (configuration.LacksBeginOfText ? null : At(BeginOfText)) ?? end, begin ?? end);

        string? At(int? id) => id is not { } given ? null
            : (uint)given < (uint)tokens.Count ? tokens[given]
            : throw TokenizerJson.Malformed(path, $"the id {given} of a special token is not among its {tokens.Count} ids");
    }

    /// <summary>Finds the ids in a Llama vocabulary: by the configuration, else by the vocabulary, else these ids.</summary>
    /// <returns>The token that ends a text, that put before every text (the same if none is), and that of an empty context.</returns>
    /// <exception cref="InvalidDataException">A token is missing.</exception>
    public (int End, int Begin, int Prefix) In(SentencePieceVocabulary vocabulary, TokenizerConfiguration configuration, string path)
    {
        int end = configuration.EndOfText is { } e ? IdOf(e) : vocabulary.EndId >= 0 ? vocabulary.EndId : EndOfText ?? -1;
        if ((uint)end >= (uint)vocabulary.Pieces.Count)
            throw TokenizerJson.Malformed(path, "it names no token that ends a document. Name it as eos_token in tokenizer_config.json");
        int begin = configuration.BeginOfText is { } b ? IdOf(b) : vocabulary.BeginId >= 0 ? vocabulary.BeginId : BeginOfText ?? end;
        if ((uint)begin >= (uint)vocabulary.Pieces.Count)
            throw TokenizerJson.Malformed(path, $"the id {begin} of a special token is not among its {vocabulary.Pieces.Count} ids");
        // A bos_token of null: no token is put before a text.
        if (configuration.LacksBeginOfText) return (end, end, end);
        return (end, configuration.AddsBeginOfText ?? vocabulary.BeginsTexts ? begin : end, begin);

        int IdOf(string token)
        {
            for (int id = 0; id < vocabulary.Pieces.Count; id++)
                if (vocabulary.Pieces[id].Text == token) return id;
            throw TokenizerJson.Malformed(
                path, $"it lacks the token '{token}', which tokenizer_config.json or special_tokens_map.json names");
        }
    }
}
