using System.Text;
using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Reversible.Text;

/// <summary>Encodes with a <see cref="SentencePieceVocabulary"/>.</summary>
/// <remarks>
/// Text is normalized here, since the package's normalizer loses texts of one character, and handed on in bounded stretches that end
/// before a space. In the Llama family no piece reaches over such an end, so the ids are those of the whole text; only a longer run
/// without a space is encoded otherwise.
/// </remarks>
internal sealed class SentencePieceCodec : ITokenCodec
{
    /// <summary>UTF-16 units in the longest stretch.</summary>
    public const int Limit = 1 << 16;

    private const char Space = SentencePieceVocabulary.Space;

    private readonly SentencePieceVocabulary _vocabulary;
    private readonly LlamaTokenizer _tokenizer;
    private readonly TokenBytes _bytes;
    private readonly bool _piecesReachOverSpaces;

    /// <summary>Makes the codec of a vocabulary without fault.</summary>
    /// <param name="vocabulary">The vocabulary.</param>
    /// <param name="starters">The ids that a text begins after.</param>
    public SentencePieceCodec(SentencePieceVocabulary vocabulary, params int[] starters)
    {
        _vocabulary = vocabulary;
        using var model = new MemoryStream(SentencePieceFile.Write(vocabulary));
        _tokenizer = LlamaTokenizer.Create(model, addBeginOfSentence: false, addEndOfSentence: false);
        int firstByte = vocabulary.FirstByteId;
        _bytes = new TokenBytes(
            [.. vocabulary.Pieces.Select((piece, id) => BytesOf(piece, id - firstByte))],
            vocabulary.Prefix == DummyPrefix.Never ? [] : starters);
        _piecesReachOverSpaces = vocabulary.Pieces.Any(piece => piece.Kind == PieceKind.Normal && ReachesOverSpace(piece.Text));
    }

    /// <inheritdoc/>
    public int VocabularySize => _vocabulary.Pieces.Count;

    /// <inheritdoc/>
    public IReadOnlyList<int> Encode(string text)
    {
        string normalized = Normalize(text);
        if (normalized.Length <= Limit) return EncodeStretch(normalized);

        var ids = new List<int>(normalized.Length / 4);
        for (int start = 0; start < normalized.Length;)
        {
            int end = EndOfStretch(normalized, start);
            ids.AddRange(EncodeStretch(normalized[start..end]));
            start = end;
        }
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
        hash.Add("SentencePiece");
        hash.Add(_vocabulary.Prefix.ToString());
        hash.Add(_vocabulary.RemovesExtraSpaces ? 1 : 0);
        hash.Add(Limit);
        hash.Add(_vocabulary.Pieces.Count);
        foreach (SentencePiece piece in _vocabulary.Pieces)
        {
            hash.Add(piece.Text);
            hash.Add(BitConverter.SingleToInt32Bits(piece.Score));
            hash.Add((int)piece.Kind);
        }
    }

    private IReadOnlyList<int> EncodeStretch(string normalized) => normalized.Length == 0
        ? []
        : _tokenizer.EncodeToIds(
            normalized, addBeginningOfSentence: false, addEndOfSentence: false, considerPreTokenization: false,
            considerNormalization: false);

    private string Normalize(string text)
    {
        if (_vocabulary.RemovesExtraSpaces) text = string.Join(' ', text.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        if (text.Length == 0) return text;
        bool prefixed = _vocabulary.Prefix == DummyPrefix.Always
            || (_vocabulary.Prefix == DummyPrefix.UnlessSpace && text[0] is not (' ' or Space));
        return (prefixed ? Space.ToString() : "") + text.Replace(' ', Space);
    }

    private int EndOfStretch(string text, int start)
    {
        if (text.Length - start <= Limit) return text.Length;
        int end = start + Limit;
        for (int i = end; i > start + 1 && !_piecesReachOverSpaces; i--)
            if (text[i] == Space && text[i - 1] != Space) return i;
        return char.IsHighSurrogate(text[end - 1]) ? end - 1 : end;
    }

    private static bool ReachesOverSpace(string piece)
    {
        for (int i = 1; i < piece.Length; i++)
            if (piece[i] == Space && piece[i - 1] != Space) return true;
        return false;
    }

    private static byte[] BytesOf(SentencePiece piece, int value) => piece.Kind switch
    {
        PieceKind.Normal => Encoding.UTF8.GetBytes(piece.Text.Replace(Space, ' ')),
        PieceKind.Byte => [(byte)value],
        _ => [],
    };
}
