using System.Text;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>
/// SentencePiece's byte-pair encoding: of all neighbours that together are a piece, those whose piece has the greatest score are merged
/// first, and of equal scores the leftmost. Microsoft.ML.Tokenizers 2.0 takes the rightmost, which gives runs of a character other ids.
/// </summary>
/// <remarks>Source: sentencepiece, src/bpe_model.cc. Safe to use from several threads.</remarks>
internal sealed class SentencePieceMerges
{
    private const int None = -1;

    private readonly IReadOnlyList<SentencePiece> _pieces;
    private readonly int _firstByte;
    private readonly Dictionary<int, int> _characters = [];
    private readonly Dictionary<(int Left, int Right), int> _merged = [];

    /// <summary>Lists the merges of a vocabulary without fault.</summary>
    public SentencePieceMerges(SentencePieceVocabulary vocabulary)
    {
        (_pieces, _firstByte) = (vocabulary.Pieces, vocabulary.FirstByteId);
        var symbols = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int id = 0; id < _pieces.Count; id++)
            if (_pieces[id].Kind == PieceKind.Normal) symbols.Add(_pieces[id].Text, id);

        // A character that is no piece itself may still be a part of one. It gets a number behind the pieces' ids.
        int next = _pieces.Count;
        foreach (Rune character in _pieces.Where(piece => piece.Kind == PieceKind.Normal).SelectMany(piece => piece.Text.EnumerateRunes()))
        {
            string text = character.ToString();
            if (!symbols.TryGetValue(text, out int symbol)) symbols.Add(text, symbol = next++);
            _characters.TryAdd(character.Value, symbol);
        }

        for (int id = 0; id < _pieces.Count; id++)
        {
            if (_pieces[id] is not { Kind: PieceKind.Normal, Text: var text }) continue;
            for (int cut = 1; cut < text.Length; cut++)
                if (symbols.TryGetValue(text[..cut], out int left) && symbols.TryGetValue(text[cut..], out int right))
                    _merged.TryAdd((left, right), id);
        }
    }

    /// <summary>Appends the ids of a text. Characters without a piece become their UTF-8 bytes.</summary>
    public void Encode(ReadOnlySpan<char> text, List<int> ids)
    {
        var parts = new Part[text.Length];
        int count = 0;
        for (int at = 0; at < text.Length; count++)
        {
            Rune.DecodeFromUtf16(text[at..], out Rune character, out int length);
            parts[count] = new(_characters.GetValueOrDefault(character.Value, None), character.Value, count - 1, count + 1);
            at += length;
        }
        if (count == 0) return;

        Merge(parts.AsSpan(0, count));
        for (int at = 0; at < count; at = parts[at].Next) AppendIds(parts[at], ids);
    }

    private void Merge(Span<Part> parts)
    {
        var candidates = new PriorityQueue<Candidate, (float, int)>();
        for (int at = 0; at + 1 < parts.Length; at++) Offer(candidates, parts, at, at + 1);
        while (candidates.TryDequeue(out Candidate pair, out _))
        {
            ref Part left = ref parts[pair.At];
            // Either side may have become a part of something else since the pair was found.
            if (left.Symbol != pair.Left || left.Next != pair.Next || parts[pair.Next].Symbol != pair.Right) continue;
            left.Symbol = _merged[(pair.Left, pair.Right)];
            parts[pair.Next].Symbol = None;
            left.Next = parts[pair.Next].Next;
            if (left.Next < parts.Length) parts[left.Next].Previous = pair.At;
            if (left.Previous >= 0) Offer(candidates, parts, left.Previous, pair.At);
            if (left.Next < parts.Length) Offer(candidates, parts, pair.At, left.Next);
        }
    }

    private void Offer(PriorityQueue<Candidate, (float, int)> candidates, Span<Part> parts, int at, int next)
    {
        (int left, int right) = (parts[at].Symbol, parts[next].Symbol);
        if (left != None && right != None && _merged.TryGetValue((left, right), out int merged))
            candidates.Enqueue(new(at, next, left, right), (-_pieces[merged].Score, at));
    }

    private void AppendIds(in Part part, List<int> ids)
    {
        if ((uint)part.Symbol < (uint)_pieces.Count)
        {
            ids.Add(part.Symbol);
            return;
        }
        Span<byte> bytes = stackalloc byte[4];
        foreach (byte value in bytes[..new Rune(part.Character).EncodeToUtf8(bytes)]) ids.Add(_firstByte + value);
    }

    /// <summary>A stretch of the text that is one symbol, with its neighbours' places.</summary>
    private record struct Part(int Symbol, int Character, int Previous, int Next);

    /// <summary>Two neighbours that together are a piece, as they were when they were found.</summary>
    private readonly record struct Candidate(int At, int Next, int Left, int Right);
}
