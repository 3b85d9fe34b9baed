namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>Finds out which form of tokenizer a folder or a file holds, and reads it.</summary>
internal static class TokenizerLoader
{
    private const string SentencePieceFileName = "tokenizer.model";

    // OpenAI's names for what Hugging Face calls vocab.json and merges.txt.
    private const string OpenAiVocabularyFile = "encoder.json";
    private const string OpenAiMergesFile = "vocab.bpe";

    /// <summary>Reads a tokenizer.</summary>
    public static LanguageModelTokenizer Load(string path, SpecialIds special)
    {
        if (Directory.Exists(path)) return LoadFolder(path, special);
        if (!File.Exists(path))
            throw new FileNotFoundException($"There is no tokenizer at '{path}', neither a folder nor a file.", path);

        var files = new TokenizerFiles(Path.GetDirectoryName(Path.GetFullPath(path))!);
        string name = Path.GetFileName(path);
        return Path.GetExtension(name).ToLowerInvariant() switch
        {
            TiktokenFile.Extension => ReadTiktoken(files, name),
            ".model" => ReadSentencePiece(files, name, special),
            ".bpe" => ReadVocabulary(files, OpenAiVocabularyFile, name, special),
            ".txt" => ReadVocabulary(files, VocabularyFolder.VocabularyFile, name, special),
            ".json" when name == VocabularyFolder.VocabularyFile => ReadVocabulary(files, name, VocabularyFolder.MergesFile, special),
            ".json" when name == OpenAiVocabularyFile => ReadVocabulary(files, name, OpenAiMergesFile, special),
            ".json" => ReadJson(files, name, special),
            _ => throw new InvalidDataException(
                $"The file '{path}' is no tokenizer that is known. Give tokenizer.json, tokenizer.model, vocab.json with merges.txt, " +
                "encoder.json with vocab.bpe, a .tiktoken file, or the folder that holds them."),
        };
    }

    private static LanguageModelTokenizer LoadFolder(string folder, SpecialIds special)
    {
        var files = new TokenizerFiles(folder);
        if (TokenizerConfiguration.Read(files).Kind is not null)
            return ReadVocabulary(files, VocabularyFolder.VocabularyFile, VocabularyFolder.MergesFile, special);
        if (files.Has(TokenizerJsonFile.FileName)) return ReadJson(files, TokenizerJsonFile.FileName, special);
        if (files.Has(SentencePieceFileName)) return ReadSentencePiece(files, SentencePieceFileName, special);
        if (files.Has(VocabularyFolder.VocabularyFile) || files.Has(VocabularyFolder.MergesFile))
            return ReadVocabulary(files, VocabularyFolder.VocabularyFile, VocabularyFolder.MergesFile, special);
        if (files.Has(OpenAiVocabularyFile) || files.Has(OpenAiMergesFile))
            return ReadVocabulary(files, OpenAiVocabularyFile, OpenAiMergesFile, special);

        string[] tiktoken = [.. Directory.EnumerateFiles(folder, "*" + TiktokenFile.Extension).Order(StringComparer.Ordinal)];
        return tiktoken.Length switch
        {
            1 => ReadTiktoken(files, Path.GetFileName(tiktoken[0])),
            0 => throw new FileNotFoundException(
                $"The folder '{folder}' holds no tokenizer: tokenizer.json, tokenizer.model, vocab.json with merges.txt, encoder.json " +
                "with vocab.bpe or a .tiktoken file.", folder),
            _ => throw new InvalidDataException(
                $"The folder '{folder}' holds {tiktoken.Length} .tiktoken files, and nothing says which to take. Give the file itself."),
        };
    }

    private static LanguageModelTokenizer ReadJson(TokenizerFiles files, string name, SpecialIds special)
    {
        TokenizerConfiguration configuration = TokenizerConfiguration.Read(files);
        files.SaveAs(name, TokenizerJsonFile.FileName);
        return Make(files, TokenizerJsonFile.Read(files.Read(name), files.PathOf(name), configuration, special));
    }

    private static LanguageModelTokenizer ReadSentencePiece(TokenizerFiles files, string name, SpecialIds special)
    {
        TokenizerConfiguration configuration = TokenizerConfiguration.Read(files);
        files.SaveAs(name, SentencePieceFileName);
        string path = files.PathOf(name);
        SentencePieceVocabulary pieces = SentencePieceFile.Read(files.Read(name), path).WithControls(configuration.SpecialTokens, path);
        return Make(files, TokenizerParts.Of(pieces, special.In(pieces, configuration, path), "LlamaTokenizer"));
    }

    private static LanguageModelTokenizer ReadVocabulary(TokenizerFiles files, string tokens, string merges, SpecialIds special)
    {
        Vocabulary vocabulary = VocabularyFolder.Read(files, tokens, merges, special);
        files.SaveAs(tokens, VocabularyFolder.VocabularyFile);
        files.SaveAs(merges, VocabularyFolder.MergesFile);
        return new(
            TokenizerParts.Of(vocabulary, "GPT2Tokenizer"), vocabulary.Kind,
            folder => files.Write(folder, stream => VocabularyFolder.WriteConfiguration(stream, vocabulary)));
    }

    private static LanguageModelTokenizer ReadTiktoken(TokenizerFiles files, string name) =>
        new(TiktokenFile.Read(files.Read(name), files.PathOf(name)));

    private static LanguageModelTokenizer Make(TokenizerFiles files, TokenizerParts parts) => new(
        parts, TextTokenization.Bpe,
        folder => files.Write(folder, stream => TokenizerConfiguration.Write(
            stream, parts.ClassName, parts.Prefix, parts.EndOfText, kind: null,
            addsBegin: parts.BeginOfTextId != parts.EndOfTextId)));
}
