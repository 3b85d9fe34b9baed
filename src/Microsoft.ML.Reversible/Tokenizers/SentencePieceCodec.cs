using System.Text;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>Encodes with a <see cref="SentencePieceVocabulary"/>.</summary>
/// <remarks>
/// The text is merged word by word. In the Llama family no piece reaches over the beginning of a word, so the ids are those of the whole
/// text; a vocabulary with such pieces has its texts merged whole.
/// </remarks>
internal sealed class SentencePieceCodec : ITokenCodec
{
    private const char Space = SentencePieceVocabulary.Space;

    private readonly SentencePieceVocabulary _vocabulary;
    private readonly SentencePieceMerges _merges;
    private readonly TokenBytes _bytes;
    private readonly bool _piecesReachOverSpaces;

    /// <summary>Makes the codec of a vocabulary without fault.</summary>
    /// <param name="vocabulary">The vocabulary.</param>
    /// <param name="starters">The ids that a text begins after.</param>
    public SentencePieceCodec(SentencePieceVocabulary vocabulary, params int[] starters)
    {
        _vocabulary = vocabulary;
        _merges = new SentencePieceMerges(vocabulary);
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
        var ids = new List<int>(normalized.Length / 4);
        for (int start = 0; start < normalized.Length;)
        {
            int end = EndOfWord(normalized, start);
            _merges.Encode(normalized.AsSpan(start, end - start), ids);
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
        hash.Add("SentencePiece, leftmost of equal scores");
        hash.Add(_vocabulary.Prefix.ToString());
        hash.Add(_vocabulary.RemovesExtraSpaces ? 1 : 0);
        hash.Add(_vocabulary.Pieces.Count);
        foreach (SentencePiece piece in _vocabulary.Pieces)
        {
            hash.Add(piece.Text);
            hash.Add(BitConverter.SingleToInt32Bits(piece.Score));
            hash.Add((int)piece.Kind);
        }
    }

    private string Normalize(string text)
    {
        if (_vocabulary.RemovesExtraSpaces) text = string.Join(' ', text.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        if (text.Length == 0) return text;
        bool prefixed = _vocabulary.Prefix == DummyPrefix.Always
            || (_vocabulary.Prefix == DummyPrefix.UnlessSpace && text[0] is not (' ' or Space));
        return (prefixed ? Space.ToString() : "") + text.Replace(' ', Space);
    }

    private int EndOfWord(string text, int start)
    {
        if (_piecesReachOverSpaces) return text.Length;
        for (int i = start + 1; i < text.Length; i++)
            if (text[i] == Space && text[i - 1] != Space) return i;
        return text.Length;
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
