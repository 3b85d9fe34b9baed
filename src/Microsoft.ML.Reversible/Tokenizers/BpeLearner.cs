using System.Runtime.InteropServices;
using System.Text;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>Learns byte-pair merges: repeatedly makes a token of the most frequent pair of neighbouring tokens.</summary>
/// <remarks>
/// Pairs are counted within the pieces of GPT-2's pre-tokenizer, each distinct piece once with its count. Among pairs of equal count
/// the greatest wins, compared by the bytes of the left token and then of the right, so that the result is determined by the text.
/// </remarks>
internal sealed class BpeLearner
{
    /// <summary>The smallest vocabulary: the bytes and end-of-text.</summary>
    public const int MinimumSize = 257;

    private readonly List<byte[]> _tokens = [.. Enumerable.Range(0, 256).Select(value => new[] { (byte)value })];
    private readonly Dictionary<string, int> _idOfToken;
    private readonly List<string> _merges = [];
    private readonly List<Piece> _pieces = [];
    private readonly PairTable _pairs;

    private BpeLearner()
    {
        _idOfToken = Enumerable.Range(0, 256).ToDictionary(value => ByteAlphabet.Char((byte)value).ToString());
        _pairs = new PairTable(_tokens);
    }

    /// <summary>Learns a vocabulary.</summary>
    /// <param name="texts">The text, read once.</param>
    /// <param name="size">Number of tokens, end-of-text included, at least <see cref="MinimumSize"/>.</param>
    /// <param name="cancellationToken">Stops the learning between two merges.</param>
    /// <exception cref="ArgumentOutOfRangeException">The size is too small.</exception>
    /// <exception cref="InvalidOperationException">There is no text, or too little for that many tokens.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static Vocabulary Learn(IEnumerable<string> texts, int size, CancellationToken cancellationToken = default)
    {
        if (size < MinimumSize)
            throw new ArgumentOutOfRangeException(
                nameof(size), size, $"VocabularySize must be at least {MinimumSize}: the 256 bytes and end-of-text.");

        var learner = new BpeLearner();
        learner.Count(texts);
        while (learner._tokens.Count + 1 < size)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!learner._pairs.TryTakeBest(out TokenPair pair, out List<int> pieces))
                throw new InvalidOperationException(
                    $"VocabularySize is {size}, but the text allows only {learner._tokens.Count + 1} tokens, end-of-text included. " +
                    $"Ask for {learner._tokens.Count + 1} or fewer, or give more text.");
            learner.Merge(pair, pieces);
        }

        IReadOnlyList<string> tokens = [.. learner._tokens.Select(token => ByteAlphabet.Write(token)), Vocabulary.DefaultEndOfText];
        return new(TextTokenization.Bpe, tokens, learner._merges, Vocabulary.DefaultEndOfText);
    }

    private void Count(IEnumerable<string> texts)
    {
        var counts = new Dictionary<string, long>();
        foreach (string text in texts)
        {
            string wellFormed = LanguageModelTokenizer.WellFormed(text);
            for (int start = 0; start < wellFormed.Length;)
            {
                int end = Gpt2PreTokenizer.EndOf(wellFormed, start);
                while (start < end)
                {
                    int part = ByteLevelTokenizer.EndOfPart(wellFormed, start, end);
                    CollectionsMarshal.GetValueRefOrAddDefault(counts, wellFormed[start..part], out _)++;
                    start = part;
                }
            }
        }

        if (counts.Count == 0) throw Vocabulary.NoText();
        foreach ((string text, long count) in counts)
        {
            var piece = new Piece(Array.ConvertAll(Encoding.UTF8.GetBytes(text), value => (int)value), count);
            for (int i = 0; i + 1 < piece.Length; i++) _pairs.Add(new(piece.Ids[i], piece.Ids[i + 1]), count, _pieces.Count);
            _pieces.Add(piece);
        }
        _pairs.QueueIncreased();
    }

    private void Merge(TokenPair pair, List<int> pieces)
    {
        string left = ByteAlphabet.Write(_tokens[pair.Left]);
        string right = ByteAlphabet.Write(_tokens[pair.Right]);
        _merges.Add(left + " " + right);

        // Two merges can make the same bytes; they share a token.
        if (!_idOfToken.TryGetValue(left + right, out int merged))
        {
            merged = _tokens.Count;
            _idOfToken.Add(left + right, merged);
            _tokens.Add([.. _tokens[pair.Left], .. _tokens[pair.Right]]);
        }

        foreach (int piece in pieces) Replace(piece, pair, merged);
        _pairs.QueueIncreased();
    }

    private void Replace(int index, TokenPair pair, int merged)
    {
        Piece piece = _pieces[index];
        int[] ids = piece.Ids;
        int kept = 0;
        for (int i = 0; i < piece.Length; i++)
        {
            bool found = ids[i] == pair.Left && i + 1 < piece.Length && ids[i + 1] == pair.Right;
            if (!found)
            {
                ids[kept++] = ids[i];
                continue;
            }

            if (kept > 0)
            {
                _pairs.Remove(new(ids[kept - 1], pair.Left), piece.Count);
                _pairs.Add(new(ids[kept - 1], merged), piece.Count, index);
            }
            if (i + 2 < piece.Length)
            {
                _pairs.Remove(new(pair.Right, ids[i + 2]), piece.Count);
                _pairs.Add(new(merged, ids[i + 2]), piece.Count, index);
            }
            ids[kept++] = merged;
            i++;
        }
        piece.Length = kept;
    }

    private sealed class Piece(int[] ids, long count)
    {
        public int[] Ids { get; } = ids;

        public long Count { get; } = count;

        public int Length { get; set; } = ids.Length;
    }
}

/// <summary>Two neighbouring tokens.</summary>
internal readonly record struct TokenPair(int Left, int Right);

/// <summary>How often each pair of tokens occurs and in which pieces, and which pair is the best to merge next.</summary>
/// <param name="tokens">The bytes of every token, which decide between pairs of equal count.</param>
internal sealed class PairTable(IReadOnlyList<byte[]> tokens)
{
    private readonly Dictionary<TokenPair, Entry> _entries = [];
    private readonly HashSet<TokenPair> _increased = [];
    private readonly PriorityQueue<TokenPair, (long Count, TokenPair Pair)> _queue = new(new BestFirst(tokens));

    /// <summary>Adds occurrences of a pair in a piece.</summary>
    public void Add(TokenPair pair, long count, int piece)
    {
        if (!_entries.TryGetValue(pair, out Entry? entry)) _entries.Add(pair, entry = new Entry());
        entry.Count += count;
        if (entry.Pieces.Count == 0 || entry.Pieces[^1] != piece) entry.Pieces.Add(piece);
        _increased.Add(pair);
    }

    /// <summary>Subtracts occurrences of a pair. A pair that <see cref="TryTakeBest"/> returned is no longer in the table.</summary>
    public void Remove(TokenPair pair, long count)
    {
        if (!_entries.TryGetValue(pair, out Entry? entry)) return;
        entry.Count -= count;
        if (entry.Count == 0) _entries.Remove(pair);
    }

    /// <summary>Queues the pairs whose counts have grown since the last call with their new counts.</summary>
    public void QueueIncreased()
    {
        foreach (TokenPair pair in _increased)
            if (_entries.TryGetValue(pair, out Entry? entry)) _queue.Enqueue(pair, (entry.Count, pair));
        _increased.Clear();
    }

    /// <summary>Removes and returns the best pair, with the pieces that may hold it; a piece may be listed twice.</summary>
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

            // A count that has grown was queued again when it grew. One that has shrunk is queued again only now.
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
