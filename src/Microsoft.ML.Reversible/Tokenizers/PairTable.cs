namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>Two neighbouring tokens.</summary>
internal readonly record struct TokenPair(int Left, int Right);

/// <summary>How often each pair of tokens occurs and in which pieces, and which pair is the best to merge next.</summary>
/// <param name="tokens">The bytes of every token, which decide between pairs of equal count.</param>
internal sealed class PairTable(IReadOnlyList<byte[]> tokens)
{
    private readonly Dictionary<TokenPair, Entry> _entries = [];
    private readonly HashSet<TokenPair> _increased = [];
    private readonly PriorityQueue<TokenPair, (long Count, TokenPair Pair)> _queue = new(new BestFirst(tokens));

    /// <summary>Counts occurrences of a pair in a piece.</summary>
    public void Add(TokenPair pair, long count, int piece)
    {
        if (!_entries.TryGetValue(pair, out Entry? entry)) _entries.Add(pair, entry = new Entry());
        entry.Count += count;
        if (entry.Pieces.Count == 0 || entry.Pieces[^1] != piece) entry.Pieces.Add(piece);
        _increased.Add(pair);
    }

    /// <summary>Takes occurrences of a pair back; a pair that has been taken to merge is none of this table's any more.</summary>
    public void Remove(TokenPair pair, long count)
    {
        if (!_entries.TryGetValue(pair, out Entry? entry)) return;
        entry.Count -= count;
        if (entry.Count == 0) _entries.Remove(pair);
    }

    /// <summary>Lets pairs whose counts have grown since the last call compete with their new counts.</summary>
    public void QueueIncreased()
    {
        foreach (TokenPair pair in _increased)
            if (_entries.TryGetValue(pair, out Entry? entry)) _queue.Enqueue(pair, (entry.Count, pair));
        _increased.Clear();
    }

    /// <summary>Takes the best pair out, with the pieces that may hold it, some perhaps twice.</summary>
    public bool TryTakeBest(out TokenPair pair, out List<int> pieces)
    {
        while (_queue.TryDequeue(out pair, out var queued))
        {
            if (!_entries.TryGetValue(pair, out Entry? entry)) continue;
            if (entry.Count == queued.Count)
            {
                _entries.Remove(pair);
                pieces = entry.Pieces;
                return true;
            }

            // A count that has grown was queued again when it grew; one that has shrunk is put in its place only now.
            if (entry.Count < queued.Count) _queue.Enqueue(pair, (entry.Count, pair));
        }

        pieces = [];
        return false;
    }

    private sealed class Entry
    {
        public long Count { get; set; }

        public List<int> Pieces { get; } = [];
    }

    private sealed class BestFirst(IReadOnlyList<byte[]> tokens) : IComparer<(long Count, TokenPair Pair)>
    {
        public int Compare((long Count, TokenPair Pair) x, (long Count, TokenPair Pair) y)
        {
            int order = y.Count.CompareTo(x.Count);
            if (order == 0) order = tokens[y.Pair.Left].AsSpan().SequenceCompareTo(tokens[x.Pair.Left]);
            return order != 0 ? order : tokens[y.Pair.Right].AsSpan().SequenceCompareTo(tokens[x.Pair.Right]);
        }
    }
}
