namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>
/// Which ids end a document and come before one where the tokenizer's own files do not say, as config.json may have them.
/// </summary>
internal readonly record struct SpecialIds(int? EndOfText, int? BeginOfText)
{
    /// <summary>The tokens for a GPT-2 vocabulary: as the configuration, these ids or, last, GPT-2's own.</summary>
    /// <param name="tokens">The tokens by id.</param>
    /// <param name="configuration">What tokenizer_config.json says.</param>
    /// <param name="path">The vocabulary's file, for messages.</param>
    /// <param name="template">What the post-processor of tokenizer.json puts before a text.</param>
    /// <returns>What ends a text, what is put before every text (the same where nothing is), and what an empty context is.</returns>
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

    /// <summary>The ids for a Llama vocabulary: as the configuration, the vocabulary itself or, last, these ids.</summary>
    /// <returns>What ends a text, what is put before every text (the same where nothing is), and what an empty context is.</returns>
    /// <exception cref="InvalidDataException">A token is missing.</exception>
    public (int End, int Begin, int Prefix) In(SentencePieceVocabulary vocabulary, TokenizerConfiguration configuration, string path)
    {
        int end = configuration.EndOfText is { } e ? IdOf(e) : vocabulary.EndId >= 0 ? vocabulary.EndId : EndOfText ?? -1;
        if ((uint)end >= (uint)vocabulary.Pieces.Count)
            throw TokenizerJson.Malformed(path, "it names no token that ends a document. Name it as eos_token in tokenizer_config.json");
        int begin = configuration.BeginOfText is { } b ? IdOf(b) : vocabulary.BeginId >= 0 ? vocabulary.BeginId : BeginOfText ?? end;
        if ((uint)begin >= (uint)vocabulary.Pieces.Count)
            throw TokenizerJson.Malformed(path, $"the id {begin} of a special token is not among its {vocabulary.Pieces.Count} ids");
        // A bos_token of null: there is none to put before a text.
        if (configuration.LacksBeginOfText) return (end, end, end);
        return (end, configuration.AddsBeginOfText == false ? end : begin, begin);

        int IdOf(string token)
        {
            for (int id = 0; id < vocabulary.Pieces.Count; id++)
                if (vocabulary.Pieces[id].Text == token) return id;
            throw TokenizerJson.Malformed(
                path, $"it lacks the token '{token}', which tokenizer_config.json or special_tokens_map.json names");
        }
    }
}
