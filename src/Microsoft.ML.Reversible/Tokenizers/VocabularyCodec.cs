using System.Text;
using System.Text.RegularExpressions;
using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>Encodes with a <see cref="Vocabulary"/>: by characters, bytes or byte-level byte-pair merges.</summary>
internal sealed class VocabularyCodec : ITokenCodec
{
    private readonly Vocabulary _vocabulary;
    private readonly Func<string, IReadOnlyList<int>> _encode;
    private readonly TokenBytes _bytes;
    private readonly Dictionary<string, int> _literals;
    private readonly Regex? _literalPattern;
    private readonly bool[] _lacksByte = new bool[256];
    private readonly bool _lacksBytes;

    /// <summary>Makes the codec of a vocabulary without fault.</summary>
    public VocabularyCodec(Vocabulary vocabulary)
    {
        _vocabulary = vocabulary;
        bool characters = vocabulary.Kind == TextTokenization.Character;
        _encode = characters
            ? CharactersOf(vocabulary)
            : new PieceCache(Create(vocabulary)).EncodeToIds;
        _bytes = new TokenBytes([.. vocabulary.Tokens.Select((token, id) => BytesOf(token, id, characters))]);
        _literals = vocabulary.Literals.ToDictionary(id => vocabulary.Tokens[id], StringComparer.Ordinal);
        if (_literals.Count > 0)
            _literalPattern = new Regex(
                string.Join('|', _literals.Keys.OrderByDescending(token => token.Length).Select(Regex.Escape)),
                RegexOptions.CultureInvariant);
        if (characters) return;

        var tokens = vocabulary.Tokens.ToHashSet();
        for (int value = 0; value < 256; value++) _lacksByte[value] = !tokens.Contains(ByteAlphabet.Char((byte)value).ToString());
        _lacksBytes = _lacksByte.Contains(true);
    }

    /// <inheritdoc/>
    public int VocabularySize => _vocabulary.Tokens.Count;

    /// <inheritdoc/>
    public IReadOnlyList<int> Encode(string text)
    {
        if (_lacksBytes) CheckBytes(text);
        if (_literalPattern is null) return _encode(text);

        var ids = new List<int>();
        int start = 0;
        foreach (Match match in _literalPattern.Matches(text))
        {
            ids.AddRange(_encode(text[start..match.Index]));
            ids.Add(_literals[match.Value]);
            start = match.Index + match.Length;
        }
        ids.AddRange(_encode(text[start..]));
        return ids;
    }

    /// <inheritdoc/>
    public string Decode(ReadOnlySpan<int> ids, bool continuation) => _bytes.Decode(ids, continuation);

    /// <inheritdoc/>
    public TokenDecoder CreateDecoder(bool continuation) => _bytes.CreateDecoder(continuation);

    /// <inheritdoc/>
    public long CountBytes(ReadOnlySpan<int> ids) => _bytes.CountOf(ids);

    /// <inheritdoc/>
    public void AddTo(TokenizerHash hash)
    {
        hash.Add(_vocabulary.Kind.ToString());
        hash.Add(_vocabulary.Tokens);
        hash.Add(_vocabulary.Merges);
        hash.Add([.. _vocabulary.Controls.Order()]);
        hash.Add([.. _vocabulary.Literals.Order()]);
        hash.Add(_vocabulary.SplitsDigits ? 1 : 0);
        hash.Add(BoundedPreTokenizer.Limit);
        if (_vocabulary.Kind == TextTokenization.Bpe) hash.Add("GPT-2's pieces over code points");
    }

    private static Func<string, IReadOnlyList<int>> CharactersOf(Vocabulary vocabulary)
    {
        var tokenizer = new CharacterTokenizer(vocabulary.Tokens);
        return text => tokenizer.EncodeToIds(text);
    }

    private static BpeTokenizer Create(Vocabulary vocabulary)
    {
        var pieces = vocabulary.Tokens
            .Select((token, id) => KeyValuePair.Create(token, id))
            .Where(token => token.Key.Length > 0);
        return BpeTokenizer.Create(new BpeOptions(pieces)
        {
            Merges = vocabulary.Merges,
            ByteLevel = true,
            PreTokenizer = vocabulary.SplitsDigits ? DigitPreTokenizer.Instance : BoundedPreTokenizer.Instance,
        });
    }

    private byte[] BytesOf(string token, int id, bool characters)
    {
        if (token == _vocabulary.EndOfText || token == _vocabulary.BeginOfText || _vocabulary.Controls.Contains(id)) return [];
        return characters || _vocabulary.Literals.Contains(id) ? Encoding.UTF8.GetBytes(token) : ByteAlphabet.Read(token);
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
}
