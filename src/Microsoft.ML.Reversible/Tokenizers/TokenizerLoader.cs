using Microsoft.ML.Reversible.Storage;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>Finds which form of tokenizer a folder or a file has, and reads it.</summary>
internal static class TokenizerLoader
{
    private const string SentencePieceFileName = "tokenizer.model";

    // OpenAI's names for what Hugging Face calls vocab.json and merges.txt.
    private const string OpenAiVocabularyFile = "encoder.json";
    private const string OpenAiMergesFile = "vocab.bpe";

    /// <summary>Reads a tokenizer.</summary>
    public static LanguageModelTokenizer Load(string path, SpecialIds special)
    {
        LanguageModelTokenizer tokenizer = Directory.Exists(path) ? LoadFolder(path, special) : LoadFile(path, special);
        string folder = Directory.Exists(path) ? path : Path.GetDirectoryName(Path.GetFullPath(path))!;
        return ChatTemplateFile.Read(folder) is { } template ? tokenizer.WithChatTemplate(template, isSavedWithFiles: false)
            : TokenizerConfiguration.Read(new TokenizerFiles(folder)).ChatTemplate is { } inConfiguration
                ? tokenizer.WithChatTemplate(inConfiguration, isSavedWithFiles: true)
                : tokenizer;
    }

    private static LanguageModelTokenizer LoadFile(string path, SpecialIds special)
    {
        if (!File.Exists(path))
            throw new FileNotFoundException($"There is no tokenizer at '{path}', neither a folder nor a file.", path);

        var files = new TokenizerFiles(Path.GetDirectoryName(Path.GetFullPath(path))!);
        string name = Path.GetFileName(path);
        return Path.GetExtension(name).ToLowerInvariant() switch
        {
            TiktokenFile.Extension => ReadTiktoken(files, name),
            ".model" => ReadSentencePiece(files, name, special),
            ".bpe" => ReadVocabulary(files, OpenAiVocabularyFile, name, special),
            ".txt" when files.Has(VocabularyFolder.VocabularyFile) =>
                ReadVocabulary(files, VocabularyFolder.VocabularyFile, name, special),
            ".json" when name == VocabularyFolder.VocabularyFile => ReadVocabulary(files, name, VocabularyFolder.MergesFile, special),
            ".json" when name == OpenAiVocabularyFile => ReadVocabulary(files, name, OpenAiMergesFile, special),
            ".json" => ReadJson(files, name, special),
            _ => throw new InvalidDataException(
                $"The file '{path}' is not a known tokenizer file. Give tokenizer.json, tokenizer.model, vocab.json with merges.txt, " +
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
        SentencePieceVocabulary pieces = SentencePieceFile.Read(files.Read(name), path).WithAdded(configuration, path);
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

/// <summary>The files of one tokenizer. Each is read once and kept, so that it can be written unchanged.</summary>
/// <param name="folder">Their folder.</param>
internal sealed class TokenizerFiles(string folder)
{
    /// <summary>Bytes in the longest file that is read. The longest in use have some 40 MB.</summary>
    public const int LongestFile = 1 << 27;

    private readonly SortedDictionary<string, byte[]> _read = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _savedAs = new(StringComparer.Ordinal);

    /// <summary>Returns the path of a file.</summary>
    public string PathOf(string name) => Path.Combine(folder, name);

    /// <summary>Returns whether a file exists.</summary>
    public bool Has(string name) => File.Exists(PathOf(name));

    /// <summary>Sets another name for a file when it is written.</summary>
    public void SaveAs(string name, string other) => _savedAs[name] = other;

    /// <summary>Returns the bytes of a file.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is longer than any tokenizer file.</exception>
    public byte[] Read(string name)
    {
        if (_read.TryGetValue(name, out byte[]? known)) return known;
        string path = PathOf(name);
        if (!File.Exists(path))
            throw new FileNotFoundException(
                $"The folder '{folder}' lacks the tokenizer file '{name}'. Save the model again, or copy the file there.", path);

        using FileStream stream = File.OpenRead(path);
        if (stream.Length > LongestFile)
            throw TokenizerJson.Malformed(path, $"it has {stream.Length} bytes, more than the {LongestFile} of the longest that is read");
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        if (FileStart.Fault(bytes) is { } fault) throw new InvalidDataException($"The tokenizer file '{path}' cannot be read: {fault}.");
        _read.Add(name, bytes);
        return bytes;
    }

    /// <summary>Writes the files that were read into a folder, and a configuration if none was read.</summary>
    public void Write(string target, Action<Stream> writeConfiguration)
    {
        foreach ((string name, byte[] bytes) in _read)
            AtomicFile.Write(Path.Combine(target, _savedAs.GetValueOrDefault(name, name)), stream => stream.Write(bytes));
        if (!_read.ContainsKey(TokenizerConfiguration.FileName))
            AtomicFile.Write(Path.Combine(target, TokenizerConfiguration.FileName), writeConfiguration);
    }
}
