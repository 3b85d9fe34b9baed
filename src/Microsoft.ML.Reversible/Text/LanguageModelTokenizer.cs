using System.Text;
using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Reversible.Text;

/// <summary>A tokenizer with the token that ends a document. Safe to use from several threads.</summary>
internal sealed class LanguageModelTokenizer
{
    private readonly Vocabulary _vocabulary;
    private readonly int[] _byteCounts;
    private readonly bool[] _lacksByte = new bool[256];
    private readonly bool _lacksBytes;

    /// <summary>Makes the tokenizer of a vocabulary.</summary>
    public LanguageModelTokenizer(Vocabulary vocabulary)
    {
        _vocabulary = vocabulary;
        EndOfTextId = vocabulary.Tokens.ToList().IndexOf(vocabulary.EndOfText);
        bool characters = vocabulary.Kind == TextTokenization.Character;
        Tokenizer = characters ? new CharacterTokenizer(vocabulary.Tokens) : Create(vocabulary);
        _byteCounts = [.. vocabulary.Tokens.Select(token => characters ? Encoding.UTF8.GetByteCount(token) : token.Length)];
        _byteCounts[EndOfTextId] = 0;
        if (characters) return;

        var tokens = vocabulary.Tokens.ToHashSet();
        for (int value = 0; value < 256; value++) _lacksByte[value] = !tokens.Contains(ByteAlphabet.Char((byte)value).ToString());
        _lacksBytes = _lacksByte.Contains(true);
    }

    /// <summary>What a token is.</summary>
    public TextTokenization Kind => _vocabulary.Kind;

    /// <summary>The tokenizer itself, which knows nothing of documents.</summary>
    public Tokenizer Tokenizer { get; }

    /// <summary>Number of ids, which run from 0.</summary>
    public int VocabularySize => _vocabulary.Tokens.Count;

    /// <summary>The id that ends a document.</summary>
    public int EndOfTextId { get; }

    /// <summary>How the vocabulary writes the end of a document.</summary>
    public string EndOfText => _vocabulary.EndOfText;

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

    /// <summary>
    /// Reads vocab.json, merges.txt and tokenizer_config.json, as Hugging Face's GPT-2 has them or <see cref="Save"/> wrote them.
    /// </summary>
    /// <exception cref="FileNotFoundException">vocab.json or merges.txt is missing.</exception>
    /// <exception cref="InvalidDataException">A file is malformed; the message names it and what is wrong.</exception>
    public static LanguageModelTokenizer Load(string folder) => new(VocabularyFolder.Read(folder));

    /// <summary>Writes vocab.json, merges.txt and tokenizer_config.json, each whole or not at all.</summary>
    public void Save(string folder) => VocabularyFolder.Write(folder, _vocabulary);

    /// <summary>The ids of a text. Surrogates without their other half count as U+FFFD.</summary>
    /// <param name="text">The text.</param>
    /// <param name="recognizeEndOfText">
    /// Whether <see cref="EndOfText"/> in the text stands for the end of a document. Otherwise it is text like any other, so that
    /// no text can end a document by itself.
    /// </param>
    /// <exception cref="ArgumentException">The text has a character that the vocabulary cannot represent; the message names it.</exception>
    public int[] Encode(string text, bool recognizeEndOfText = false)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (!recognizeEndOfText) return EncodeDocument(text);

        var ids = new List<int>();
        string[] documents = text.Split(EndOfText);
        for (int i = 0; i < documents.Length; i++)
        {
            if (i > 0) ids.Add(EndOfTextId);
            ids.AddRange(EncodeDocument(documents[i]));
        }
        return [.. ids];
    }

    /// <inheritdoc cref="Encode(string, bool)"/>
    public int[] Encode(ReadOnlySpan<char> text, bool recognizeEndOfText = false) => Encode(text.ToString(), recognizeEndOfText);

    /// <summary>The text of some ids; end-of-text stands for none, and bytes that are no UTF-8 come out as U+FFFD.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An id is outside the vocabulary.</exception>
    public string Decode(ReadOnlySpan<int> ids)
    {
        var kept = new List<int>(ids.Length);
        foreach (int id in ids)
        {
            CheckId(id);
            if (id != EndOfTextId) kept.Add(id);
        }
        return Tokenizer.Decode(kept);
    }

    /// <summary>Number of UTF-8 bytes that some ids stand for, which bits per byte are counted against.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An id is outside the vocabulary.</exception>
    public long CountBytes(ReadOnlySpan<int> ids)
    {
        long count = 0;
        foreach (int id in ids)
        {
            CheckId(id);
            count += _byteCounts[id];
        }
        return count;
    }

    private static BpeTokenizer Create(Vocabulary vocabulary) => BpeTokenizer.Create(
        new BpeOptions(vocabulary.Tokens.Select((token, id) => KeyValuePair.Create(token, id)))
        {
            Merges = vocabulary.Merges,
            ByteLevel = true,
            PreTokenizer = BoundedPreTokenizer.Instance,
        });

    private int[] EncodeDocument(string text)
    {
        string wellFormed = WellFormedText.From(text);
        if (_lacksBytes) CheckBytes(wellFormed);
        return [.. Tokenizer.EncodeToIds(wellFormed)];
    }

    // BpeTokenizer leaves out what it has no symbol for, without a word.
    private void CheckBytes(string text)
    {
        int position = 0;
        Span<byte> bytes = stackalloc byte[4];
        foreach (Rune rune in text.EnumerateRunes())
        {
            foreach (byte value in bytes[..rune.EncodeToUtf8(bytes)])
                if (_lacksByte[value])
                    throw new ArgumentException(
                        $"The character '{rune}' (U+{rune.Value:X4}) at position {position} of the text needs the byte 0x{value:X2}, " +
                        "which the vocabulary lacks. Leave it out, or use a tokenizer whose vocabulary has all 256 bytes.");
            position += rune.Utf16SequenceLength;
        }
    }

    private void CheckId(int id)
    {
        if ((uint)id >= (uint)_byteCounts.Length)
            throw new ArgumentOutOfRangeException(
                nameof(id), id, $"The id {id} is outside the vocabulary, whose ids are 0 to {VocabularySize - 1}.");
    }
}
