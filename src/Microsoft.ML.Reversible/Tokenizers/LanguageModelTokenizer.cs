using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>
/// The adapter over all tokenizers: a <see cref="Tokenizer"/> of Microsoft.ML.Tokenizers together with the text of its tokens and the
/// tokens that end a document and come before one. Safe to use from several threads.
/// </summary>
internal sealed class LanguageModelTokenizer
{
    private readonly TokenizerParts _parts;
    private readonly Action<string>? _save;
    private readonly Lazy<string> _hash;

    /// <summary>Makes the tokenizer of a vocabulary that has been checked.</summary>
    public LanguageModelTokenizer(Vocabulary vocabulary)
        : this(
            TokenizerParts.Of(vocabulary, "GPT2Tokenizer"), vocabulary.Kind, folder => VocabularyFolder.Write(folder, vocabulary))
    {
    }

    /// <summary>Makes a tokenizer.</summary>
    /// <param name="parts">The tokenizer and its tokens.</param>
    /// <param name="kind">What a token is.</param>
    /// <param name="save">Writes its files into a folder; null where there are none.</param>
    public LanguageModelTokenizer(TokenizerParts parts, TextTokenization kind, Action<string>? save)
    {
        (_parts, Kind, _save) = (parts, kind, save);
        _hash = new(ComputeHash);
    }

    /// <summary>What a token is.</summary>
    public TextTokenization Kind { get; }

    /// <summary>Number of ids, which run from 0.</summary>
    public int VocabularySize => _parts.VocabularySize;

    /// <summary>The id that ends a document.</summary>
    public int EndOfTextId => _parts.EndOfTextId;

    /// <summary>The text of the token that ends a document.</summary>
    public string EndOfText => _parts.EndOfText;

    /// <summary>The id put before every text, as Llama's tokenizers do; <see cref="EndOfTextId"/> where none is, as in GPT-2's.</summary>
    public int BeginOfTextId => _parts.BeginOfTextId;

    /// <summary>
    /// The id that stands for an empty context, as in lm-evaluation-harness: the tokenizer's bos_token where it has one, whether or not it
    /// is put before texts, else end-of-text.
    /// </summary>
    /// <exception cref="ArgumentException">It is beyond the ids of the model; see <see cref="Within"/>.</exception>
    public int PrefixId => Inside(_parts.PrefixId, _parts.Prefix);

    /// <summary>The text of <see cref="PrefixId"/>.</summary>
    public string Prefix => _parts.Prefix;

    /// <summary>
    /// Finds the added and special tokens in text that is not normalized. Those of a model with fewer ids are found too.
    /// </summary>
    public AddedTokenFinder Finder => _parts.Tokenizer switch
    {
        AddedTokenTokenizer tokenizer => tokenizer.Finder,
        InstanceTokenizer tokenizer => tokenizer.Finder,
        _ => AddedTokenFinder.None,
    };

    /// <summary>The least number of ids of a model for this tokenizer. Only added tokens have ids from this number on.</summary>
    public int LeastModelSize => _parts.LeastModelSize;

    /// <summary>
    /// SHA-256 of all that decides which ids a text has, as lower-case hexadecimal digits. Equal hashes mean equal ids, in any process.
    /// </summary>
    public string Hash => _hash.Value;

    /// <summary>The template in Jinja that writes conversations; null if the tokenizer's files have none. It does not change ids.</summary>
    public string? ChatTemplate { get; private init; }

    /// <summary>Whether <see cref="Save"/> is supported.</summary>
    public bool CanSave => _save is not null;

    /// <summary>Learns a tokenizer.</summary>
    /// <param name="texts">The text, read once at most; <see cref="TextTokenization.Byte"/> does not need it.</param>
    /// <param name="tokenization">What becomes a token.</param>
    /// <param name="vocabularySize">Number of tokens for <see cref="TextTokenization.Bpe"/>, end-of-text included, at least 257.</param>
    /// <param name="cancellationToken">Ends the learning of <see cref="TextTokenization.Bpe"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">The size is too small, or the tokenization is not one of the enumeration.</exception>
    /// <exception cref="InvalidOperationException">No row has text, or there is too little text for that many tokens.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static LanguageModelTokenizer Learn(
        IEnumerable<string> texts, TextTokenization tokenization, int vocabularySize, CancellationToken cancellationToken = default) =>
        new(tokenization switch
        {
            TextTokenization.Character => Vocabulary.OfCharacters(texts),
            TextTokenization.Byte => Vocabulary.OfBytes(),
            TextTokenization.Bpe => BpeLearner.Learn(texts, vocabularySize, cancellationToken),
            _ => throw new ArgumentOutOfRangeException(
                nameof(tokenization), tokenization, "The tokenization must be Character, Byte or Bpe."),
        });

    /// <summary>Reads a tokenizer from a folder, or from one file of the forms below.</summary>
    /// <remarks>
    /// From a folder, what <see cref="Save"/> wrote; else the first found of tokenizer.json (Hugging Face's: BPE or
    /// Unigram), tokenizer.model (SentencePiece with byte fallback), vocab.json with merges.txt, encoder.json with
    /// vocab.bpe, or the only .tiktoken file; the last three use GPT-2's pre-tokenizer. tokenizer_config.json and special_tokens_map.json
    /// beside them name the tokens that end a document and come before one; the former or added_tokens.json adds tokens.
    /// </remarks>
    /// <param name="path">The folder or file.</param>
    /// <param name="endOfTextId">The id that ends a document where the files do not name it, as config.json may.</param>
    /// <param name="beginOfTextId">The id that a document begins after, where the files do not name it.</param>
    /// <exception cref="FileNotFoundException">A file is missing, or there is none.</exception>
    /// <exception cref="InvalidDataException">A file is malformed or of a form not supported; the message names it and why.</exception>
    public static LanguageModelTokenizer Load(string path, int? endOfTextId = null, int? beginOfTextId = null) =>
        TokenizerLoader.Load(path, new SpecialIds(endOfTextId, beginOfTextId));

    /// <summary>Wraps a tokenizer that the caller has made.</summary>
    /// <param name="tokenizer">The tokenizer, which must not put tokens around a text by itself.</param>
    /// <param name="endOfTextId">The id that ends a document; null to find it among its special tokens.</param>
    /// <param name="beginOfTextId">The id that a document begins after; null for the tokenizer's own, or else the end id.</param>
    /// <param name="vocabularySize">Number of ids; null to find it in the tokenizer's vocabulary.</param>
    /// <exception cref="ArgumentException">What was left out cannot be found; the message names it.</exception>
    public static LanguageModelTokenizer Wrap(
        Tokenizer tokenizer, int? endOfTextId = null, int? beginOfTextId = null, int? vocabularySize = null) =>
        new(InstanceParts.Of(tokenizer, endOfTextId, beginOfTextId, vocabularySize), TextTokenization.Bpe, save: null);

    /// <summary>
    /// Returns this tokenizer for a model with a number of ids. Added tokens beyond them, such as one for padding, are never produced: a
    /// text that has such a token is refused.
    /// </summary>
    /// <param name="modelSize">The number of the model's ids, at least <see cref="LeastModelSize"/>.</param>
    /// <exception cref="InvalidDataException">The token put before every text is beyond the ids.</exception>
    public LanguageModelTokenizer Within(int modelSize)
    {
        if (VocabularySize <= modelSize) return this;
        if (BeginOfTextId >= modelSize && BeginOfTextId != EndOfTextId)
            throw new InvalidDataException(
                $"The tokenizer puts a token of id {BeginOfTextId} before every text, but the model has only {modelSize} ids.");
        return new(_parts with { VocabularySize = modelSize }, Kind, _save)
        {
            ChatTemplate = ChatTemplate, SavesTemplate = SavesTemplate,
        };
    }

    /// <summary>Returns this tokenizer with a template that writes conversations.</summary>
    /// <param name="template">The template.</param>
    /// <param name="isSavedWithFiles">Whether the tokenizer's other files have it, so that saving writes no file for it.</param>
    public LanguageModelTokenizer WithChatTemplate(string template, bool isSavedWithFiles = false) =>
        new(_parts, Kind, _save) { ChatTemplate = template, SavesTemplate = !isSavedWithFiles };

    /// <summary>
    /// Writes its files under Hugging Face's names, each completely or not at all. Files that it was read from are written unchanged.
    /// </summary>
    /// <exception cref="NotSupportedException">The tokenizer is an instance that the caller made.</exception>
    public void Save(string folder)
    {
        if (_save is null)
            throw new NotSupportedException(
                "A tokenizer given as an instance cannot be saved, since Microsoft.ML.Tokenizers does not write files. " +
                "Give the path of its files instead.");
        _save(folder);
        if (SavesTemplate && ChatTemplate is { } template) ChatTemplateFile.Write(folder, template);
    }

    /// <summary>Describes the tokenizer for a GGUF file.</summary>
    /// <exception cref="NotSupportedException">llama.cpp would tokenize texts differently, or the tokenizer is an instance.</exception>
    public GgufTokens ToGguf() => _parts.Describe?.Invoke() ?? throw new NotSupportedException(
        "The model cannot be saved as a GGUF file: a tokenizer given as an instance cannot be written. Give the path of its files " +
        "instead.");

    /// <summary>Returns the ids of a text, with nothing added. Surrogates without their other half count as U+FFFD.</summary>
    /// <param name="text">The text.</param>
    /// <param name="recognizeSpecial">
    /// Whether special tokens in the text, such as <see cref="EndOfText"/>, stand for these tokens, as in a rendered conversation.
    /// Otherwise they are text like any other, so that no text can end a document by itself.
    /// </param>
    /// <exception cref="ArgumentException">The text has a character that the vocabulary cannot represent; the message names it.</exception>
    public int[] Encode(string text, bool recognizeSpecial = false)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (!recognizeSpecial) return EncodeDocument(text);
        if (_parts.Tokenizer is AddedTokenTokenizer encoder) return Checked(encoder.EncodeWithSpecial(WellFormed(text)));

        var ids = new List<int>();
        string[] documents = text.Split(EndOfText);
        for (int i = 0; i < documents.Length; i++)
        {
            if (i > 0) ids.Add(Inside(EndOfTextId, EndOfText));
            ids.AddRange(EncodeDocument(documents[i]));
        }
        return [.. ids];
    }

    /// <summary>Returns the ids of a text with the tokens that the tokenizer's files put before and after every text.</summary>
    /// <inheritdoc cref="Encode(string, bool)" path="/exception"/>
    public int[] EncodeWhole(string text, bool recognizeSpecial = false) =>
    [
        .. BeginOfTextId != EndOfTextId ? (int[])[BeginOfTextId] : [],
        .. Encode(text, recognizeSpecial),
        .. _parts.EndsTexts ? (int[])[EndOfTextId] : [],
    ];

    /// <summary>
    /// Returns the ids of a part of a text that lies between special tokens. Special tokens in the part are read as text.
    /// </summary>
    /// <param name="part">The part.</param>
    /// <param name="start">Its place in the text: some tokenizers put a space before a text, but not before its parts.</param>
    /// <inheritdoc cref="Encode(string, bool)" path="/exception"/>
    public int[] EncodePart(string part, int start) =>
        start > 0 && _parts.Tokenizer is AddedTokenTokenizer encoder
            ? Checked(encoder.EncodePart(WellFormed(part), start))
            : EncodeDocument(part);

    /// <inheritdoc cref="Encode(string, bool)"/>
    public int[] Encode(ReadOnlySpan<char> text, bool recognizeSpecial = false) => Encode(text.ToString(), recognizeSpecial);

    /// <summary>Returns the text of some ids. End-of-text stands for no text, and bytes that are not UTF-8 become U+FFFD.</summary>
    /// <param name="ids">The ids.</param>
    /// <param name="continuation">
    /// Whether they follow other text. Otherwise the space that a SentencePiece vocabulary puts before every text is left out.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">An id is outside the vocabulary.</exception>
    public string Decode(ReadOnlySpan<int> ids, bool continuation = false) =>
        _parts.Texts.Decode(ids, continuation);

    /// <summary>Returns a decoder that takes the ids one by one.</summary>
    /// <inheritdoc cref="Decode" path="/param[@name='continuation']"/>
    public TokenDecoder CreateDecoder(bool continuation = false) => _parts.Texts.CreateDecoder(continuation);

    /// <summary>Returns the number of UTF-8 bytes that some ids stand for, which bits per byte are counted against.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An id is outside the vocabulary.</exception>
    public long CountBytes(ReadOnlySpan<int> ids) => _parts.Texts.CountBytes(ids);

    /// <summary>
    /// Returns a text that UTF-8 can represent, with U+FFFD for every surrogate without its other half; the same object where there is
    /// none.
    /// </summary>
    internal static string WellFormed(string text)
    {
        int first = text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF');
        if (first < 0) return text;
        for (int i = first; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i])) continue;
            if (i + 1 == text.Length || !char.IsSurrogatePair(text[i], text[i + 1])) return string.Concat(text.EnumerateRunes());
            i++;
        }
        return text;
    }

    private bool SavesTemplate { get; init; }

    private int[] EncodeDocument(string text)
    {
        if (text.Length == 0) return [];
        return Checked([.. _parts.Tokenizer.EncodeToIds(WellFormed(text))]);
    }

    private int[] Checked(int[] ids)
    {
        foreach (int id in ids)
            if (id >= VocabularySize) Inside(id, Decode([id], continuation: true));
        return ids;
    }

    /// <summary>Returns the id of a token, which the model must have.</summary>
    /// <exception cref="ArgumentException">The id is beyond those of the model.</exception>
    public int Inside(int id, string token) => id < VocabularySize
        ? id
        : throw new ArgumentException(
            $"The token '{token}' has the id {id}, but the model has only {VocabularySize} ids. Leave it out of the text, or use a model " +
            "whose vocabulary includes it.");

    private string ComputeHash()
    {
        using var hash = new TokenizerHash();
        _parts.AddToHash(hash);
        hash.Add(EndOfTextId);
        hash.Add(BeginOfTextId);
        return hash.Finish();
    }
}
