using System.Text;

namespace Microsoft.ML.Tokenizers;

/// <summary>A SentencePiece BPE model: merges neighbours whose union has the best score, from the left among equals.</summary>
internal sealed class SentencePieceBpe
{
    private readonly Dictionary<string, (int Id, float Score, int Type)> _pieces = new(StringComparer.Ordinal);
    private readonly bool _byteFallback;

    public SentencePieceBpe(SentencePieceModel model)
    {
        for (var id = 0; id < model.Pieces.Count; id++)
        {
            var (text, score, type) = model.Pieces[id];
            if (type == SentencePieceModel.Unused)
                throw new NotSupportedException("The stand-in knows no unused pieces.");
            _pieces.Add(text, (id, score, type));
            if (type == SentencePieceModel.Byte)
                LastByteId = id;
        }

        _byteFallback = model.ByteFallback;
        UnknownId = model.UnknownId < 0 ? 0 : model.UnknownId;
        FirstByteId = _pieces.TryGetValue("<0x00>", out var first) ? first.Id : LastByteId;
        Vocabulary = _pieces.ToDictionary(piece => piece.Key, piece => piece.Value.Id);
        Texts = model.Pieces.ConvertAll(piece => piece.Text);
    }

    public int UnknownId { get; }

    public int FirstByteId { get; }

    public int LastByteId { get; }

    public Dictionary<string, int> Vocabulary { get; }

    public List<string> Texts { get; }

    public List<EncodedToken> Encode(string text)
    {
        var tokens = new List<EncodedToken>();
        foreach (var (start, length) in Merge(text))
        {
            var part = text.Substring(start, length);
            if (_pieces.TryGetValue(part, out var piece))
            {
                tokens.Add(new EncodedToken(piece.Id, part, start..(start + length)));
                continue;
            }

            if (!_byteFallback)
            {
                tokens.Add(new EncodedToken(UnknownId, Texts[UnknownId], start..(start + length)));
                continue;
            }

            var (from, end) = (start, start + length);
            foreach (var value in Encoding.UTF8.GetBytes(part))
            {
                tokens.Add(new EncodedToken(FirstByteId + value, Texts[FirstByteId + value], from..end));
                from = end;
            }
        }

        return tokens;
    }

    private IEnumerable<(int Start, int Length)> Merge(string text)
    {
        var starts = new List<int>(text.Length);
        for (var i = 0; i < text.Length; i += i + 1 < text.Length && char.IsSurrogatePair(text[i], text[i + 1]) ? 2 : 1)
            starts.Add(i);

        var count = starts.Count;
        var lengths = new int[count];
        var (previous, next) = (new int[count], new int[count]);
        for (var i = 0; i < count; i++)
        {
            lengths[i] = (i + 1 < count ? starts[i + 1] : text.Length) - starts[i];
            (previous[i], next[i]) = (i - 1, i + 1 < count ? i + 1 : -1);
        }

        var queue = new PriorityQueue<(int Left, int Right, int Length), (float Negated, int Left)>();
        for (var i = 0; i + 1 < count; i++)
            Enqueue(i, i + 1);

        while (queue.TryDequeue(out var pair, out _))
        {
            // An entry is stale when a side has been merged away or has grown since.
            var (left, right, length) = pair;
            if (lengths[left] == 0 || lengths[right] == 0 || lengths[left] + lengths[right] != length)
                continue;
            lengths[left] = length;
            lengths[right] = 0;
            next[left] = next[right];
            if (next[left] >= 0)
                previous[next[left]] = left;
            Enqueue(previous[left], left);
            Enqueue(left, next[left]);
        }

        for (var i = 0; i < count; i++)
            if (lengths[i] > 0)
                yield return (starts[i], lengths[i]);

        void Enqueue(int left, int right)
        {
            if (left < 0 || right < 0)
                return;
            var length = lengths[left] + lengths[right];
            if (_pieces.TryGetValue(text.Substring(starts[left], length), out var piece))
                queue.Enqueue((left, right, length), (-piece.Score, left));
        }
    }
}
