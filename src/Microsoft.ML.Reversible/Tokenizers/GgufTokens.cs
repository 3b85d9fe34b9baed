namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>A tokenizer as llama.cpp's GGUF files hold it.</summary>
/// <param name="Model">llama.cpp's name of the algorithm: <c>llama</c> for SentencePiece, <c>gpt2</c> for byte-level BPE.</param>
/// <param name="Tokens">The tokens by id.</param>
/// <param name="Kinds">The kind of each token, with the numbers of SentencePiece.</param>
internal sealed record GgufTokens(string Model, string[] Tokens, PieceKind[] Kinds)
{
    private const string Llama3Rule = "llama-bpe";

    /// <summary>llama.cpp's name of the rule that cuts text into pieces, by the regular expressions.</summary>
    private static readonly Dictionary<string, string> _preTokenizers = new()
    {
        [Gpt2PreTokenizer.Expression] = "gpt-2",
        [
            @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
        ] = Llama3Rule,
        [
            @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
        ] = "qwen2",
        [string.Join('\n', @"\p{N}", Gpt2PreTokenizer.Expression)] = "smollm",
    };

    /// <summary>The scores of SentencePiece's pieces; null for byte-level BPE.</summary>
    public float[]? Scores { get; init; }

    /// <summary>The merges, the first to apply first; null for SentencePiece.</summary>
    public string[]? Merges { get; init; }

    /// <summary>The rule that cuts text into pieces; null for SentencePiece.</summary>
    public string? PreTokenizer { get; init; }

    /// <summary>The id of the token for text without another one; null if there is none.</summary>
    public int? UnknownId { get; init; }

    /// <summary>Whether a text gets a space before it.</summary>
    public bool AddsSpacePrefix { get; init; }

    /// <summary>
    /// Whether spaces at both ends of a text are dropped and runs of spaces become one. llama.cpp reads this for SentencePiece's unigram
    /// models only, and keeps such spaces otherwise.
    /// </summary>
    public bool RemovesExtraSpaces { get; init; }

    /// <summary>Describes a byte-level vocabulary.</summary>
    /// <exception cref="NotSupportedException">llama.cpp would tokenize texts differently.</exception>
    public static GgufTokens Of(Vocabulary vocabulary)
    {
        if (vocabulary.Kind == TextTokenization.Character) throw Refusal("its tokens are characters");
        if (vocabulary.AddsPrefixSpace) throw Refusal("it puts a space before every text (add_prefix_space)");
        if (!_preTokenizers.TryGetValue(string.Join('\n', vocabulary.Cuts), out string? rule))
            throw Refusal("its regular expression is none of GPT-2's, Llama 3's, Qwen 2's and SmolLM's");
        // llama.cpp decides by the rule whether a piece that is a token ignores the merges.
        if (vocabulary.IgnoresMerges != (rule == Llama3Rule))
            throw Refusal("its ignore_merges is not the one that llama.cpp has for its regular expression");
        if (vocabulary.Normalizer.Names is not ([] or ["NFC"])) throw Refusal(Normalizes(vocabulary.Normalizer));
        if (vocabulary.EndsTexts) throw Refusal("it puts a token after every text");
        return new(
            "gpt2",
            [.. vocabulary.Tokens.Select(Name)],
            [
                .. vocabulary.Tokens.Select((_, id) => vocabulary.Literals.ContainsKey(id) ? PieceKind.UserDefined
                    : vocabulary.StandsForNoText(id) ? PieceKind.Control : PieceKind.Normal),
            ])
        {
            Merges = [.. vocabulary.Merges], PreTokenizer = rule,
        };
    }

    /// <summary>Describes a SentencePiece vocabulary.</summary>
    /// <exception cref="NotSupportedException">llama.cpp would tokenize texts differently.</exception>
    public static GgufTokens Of(SentencePieceVocabulary vocabulary)
    {
        if (vocabulary.Scores is not null) throw Refusal("it is a Unigram model, and only byte-pair merges are written");
        if (vocabulary.Merges is not null || vocabulary.IgnoresMerges) throw Refusal("its merges do not follow from scores");
        if (!vocabulary.HasByteFallback) throw Refusal("it has no pieces of bytes");
        if (vocabulary.Steps is not null) throw Refusal("it cuts texts in another way than SentencePiece");
        if (!vocabulary.Normalizer.IsIdentity) throw Refusal(Normalizes(vocabulary.Normalizer));
        if (vocabulary.EndsTexts) throw Refusal("it puts a token after every text");
        return new(
            "llama",
            [.. vocabulary.Pieces.Select((piece, id) => Name(piece.Text, id))],
            [
                .. vocabulary.Pieces.Select((piece, id) =>
                    vocabulary.Literals.ContainsKey(id) ? PieceKind.UserDefined : piece.Kind),
            ])
        {
            Scores = [.. vocabulary.Pieces.Select(piece => piece.Score)],
            UnknownId = vocabulary.UnknownId,
            AddsSpacePrefix = vocabulary.Prefix != DummyPrefix.Never,
            RemovesExtraSpaces = vocabulary.RemovesExtraSpaces,
        };
    }

    /// <summary>Returns a token's text, or a name for an id without a token, since llama.cpp needs one for each.</summary>
    public static string Name(string text, int id) => text.Length == 0 || text[0] == '\0' ? $"[PAD{id}]" : text;

    private static string Normalizes(TextNormalizer normalizer) => $"it normalizes texts ({string.Join(", ", normalizer.Names)})";

    private static NotSupportedException Refusal(string what) =>
        new($"The model cannot be saved as a GGUF file: its tokenizer is one that llama.cpp does not have, because {what}.");
}
