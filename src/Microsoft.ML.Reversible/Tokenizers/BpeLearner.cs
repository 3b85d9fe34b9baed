using System.Runtime.InteropServices;
using System.Text;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>Learns byte-pair merges: again and again the most frequent pair of neighbouring tokens becomes a token.</summary>
/// <remarks>
/// Pairs are counted within the pieces of GPT-2's pre-tokenizer, each distinct piece once with its count. Among pairs of equal
/// count the greatest wins, compared by the bytes of the left token and then of the right, so a text has one result.
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
    /// <param name="cancellationToken">Ends the learning between two merges.</param>
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
            string wellFormed = WellFormedText.From(text);
            foreach ((int offset, int length) in BoundedPreTokenizer.Instance.PreTokenize(wellFormed))
                CollectionsMarshal.GetValueRefOrAddDefault(counts, wellFormed.Substring(offset, length), out _)++;
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

        // Two ways of cutting can lead to the same bytes; they share a token.
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
