using System.Text;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>
/// SentencePiece's byte-pair encoding: of all neighbours that form a piece, those whose piece has the greatest score are merged first, and
/// of equal scores the leftmost. Microsoft.ML.Tokenizers 2.0 merges the rightmost, which gives runs of a character other ids.
/// </summary>
/// <remarks>
/// Source: sentencepiece, src/bpe_model.cc. A stretch is merged word by word. In the Llama family no piece crosses the beginning of a word,
/// so the ids are those of the whole stretch. If a vocabulary has such pieces, a stretch is merged as a whole.
/// </remarks>
internal sealed class SentencePieceBpe : PieceModel
{
    private const int None = -1;
    private const char Space = SentencePieceVocabulary.Space;

    private readonly SentencePieceVocabulary _vocabulary;
    private readonly IReadOnlyList<SentencePiece> _pieces;
    private readonly bool _needsWholeText;
    private readonly Dictionary<string, int>? _whole;
    private readonly PieceCache _words;
    private readonly Dictionary<int, int> _characters = [];
    private readonly Dictionary<(int Left, int Right), Merge> _merges = [];

    /// <summary>Makes the model of a vocabulary that has been checked.</summary>
    public SentencePieceBpe(SentencePieceVocabulary vocabulary)
        : base(vocabulary)
    {
        (_vocabulary, _pieces) = (vocabulary, vocabulary.Pieces);
        _words = new PieceCache(MergeWord);
        Dictionary<string, int> symbols = NumberSymbols();
        if (vocabulary.IgnoresMerges) _whole = symbols.Where(symbol => symbol.Value < _pieces.Count).ToDictionary(StringComparer.Ordinal);

        // Unknown characters at both sides of a space without a piece may become one.
        _needsWholeText = _pieces.Any(piece => piece.Kind == PieceKind.Normal && CrossesSpace(piece.Text))
            || (!vocabulary.HasByteFallback && !_characters.ContainsKey(Space));
        if (vocabulary.Merges is { } listed)
        {
            for (int rank = 0; rank < listed.Count; rank++)
            {
                (string left, string right) = listed[rank];
                AddMerge(symbols[left], symbols[right], symbols[left + right], rank);
            }
            return;
        }
        for (int id = 0; id < _pieces.Count; id++)
        {
            if (_pieces[id] is not { Kind: PieceKind.Normal, Text: var text }) continue;
            for (int cut = 1; cut < text.Length; cut++)
                if (symbols.TryGetValue(text[..cut], out int left) && symbols.TryGetValue(text[cut..], out int right))
                    AddMerge(left, right, id, -_pieces[id].Score);
        }

        void AddMerge(int left, int right, int id, float order) => _merges.TryAdd((left, right), new(id, order));
    }

    /// <inheritdoc/>
    public override void Append(string stretch, List<int> ids)
    {
        if (_whole is not null && _whole.TryGetValue(stretch, out int whole))
        {
            ids.Add(whole);
            return;
        }
        for (int start = 0; start < stretch.Length;)
        {
            int end = EndOfWord(stretch, start);
            _words.Append(stretch.AsSpan(start, end - start), ids);
            start = end;
        }
    }

    /// <summary>Numbers the symbols to merge: the pieces by their ids, then characters that are only parts of pieces.</summary>
    private Dictionary<string, int> NumberSymbols()
    {
        var symbols = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int id = 0; id < _pieces.Count; id++)
            if (_pieces[id].Kind == PieceKind.Normal) symbols.Add(_pieces[id].Text, id);
        int next = _pieces.Count;
        foreach (Rune character in _pieces.Where(piece => piece.Kind == PieceKind.Normal).SelectMany(piece => piece.Text.EnumerateRunes()))
        {
            string text = character.ToString();
            if (!symbols.TryGetValue(text, out int symbol)) symbols.Add(text, symbol = next++);
            _characters.TryAdd(character.Value, symbol);
        }
        return symbols;
    }

    private int EndOfWord(string text, int start)
    {
        if (_needsWholeText) return text.Length;
        for (int i = start + 1; i < text.Length; i++)
            if (text[i] == Space && text[i - 1] != Space) return i;
        return text.Length;
    }

    private static bool CrossesSpace(string piece)
    {
        for (int i = 1; i < piece.Length; i++)
            if (piece[i] == Space && piece[i - 1] != Space) return true;
        return false;
    }

    private List<int> MergeWord(string text)
    {
        var ids = new List<int>();
        var parts = new Part[text.Length];
        int count = 0;
        for (int at = 0; at < text.Length; count++)
        {
            Rune.DecodeFromUtf16(text.AsSpan(at), out Rune character, out int length);
            parts[count] = new(_characters.GetValueOrDefault(character.Value, None), character.Value, count - 1, count + 1);
            at += length;
        }
        MergeAll(parts.AsSpan(0, count));
        bool wasUnknown = false;
        for (int at = 0; at < count; at = parts[at].Next)
        {
            bool isUnknown = (uint)parts[at].Symbol >= (uint)_pieces.Count;
            if (!isUnknown) ids.Add(parts[at].Symbol);
            else AppendUnknown(new Rune(parts[at].Character), ids, isFirst: !wasUnknown || !_vocabulary.FusesUnknown);
            wasUnknown = isUnknown;
        }
        return ids;
    }

    private void MergeAll(Span<Part> parts)
    {
        var candidates = new PriorityQueue<Candidate, (float, int)>();
        for (int at = 0; at + 1 < parts.Length; at++) Offer(candidates, parts, at, at + 1);
        while (candidates.TryDequeue(out Candidate pair, out _))
        {
            ref Part left = ref parts[pair.At];
            // Either side may have been merged since the pair was found.
            if (left.Symbol != pair.Left || left.Next != pair.Next || parts[pair.Next].Symbol != pair.Right) continue;
            left.Symbol = _merges[(pair.Left, pair.Right)].Id;
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
        if (left != None && right != None && _merges.TryGetValue((left, right), out Merge merge))
            candidates.Enqueue(new(at, next, left, right), (merge.Order, at));
    }

    /// <summary>The piece that two neighbours become, and its order: the least is merged first.</summary>
    private readonly record struct Merge(int Id, float Order);

    /// <summary>A stretch of the text that is one symbol, with its neighbours' places.</summary>
    private record struct Part(int Symbol, int Character, int Previous, int Next);

    /// <summary>Two neighbours that form a piece, as they were when they were found.</summary>
    private readonly record struct Candidate(int At, int Next, int Left, int Right);
}
