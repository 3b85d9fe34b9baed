using System.Text;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>
/// SentencePiece's Unigram model: of all ways to cut a stretch into pieces, that with the greatest sum of the pieces' scores.
/// </summary>
/// <remarks>Source: huggingface/tokenizers, whose sums and choice among equal ones this follows.</remarks>
internal sealed class Unigram : PieceModel
{
    /// <summary>How much less than the least score of a piece that of an unknown character is.</summary>
    private const double UnknownPenalty = 10;

    private const int None = -1;

    private readonly SentencePieceVocabulary _vocabulary;
    private readonly PieceCache _stretches;
    private readonly double _unknownScore;

    // A tree of the pieces' characters: the node after a node and a character, and the piece that ends at a node.
    private readonly Dictionary<(int Node, char Next), int> _tree = [];
    private readonly List<int> _pieceAt = [None];
    private readonly Dictionary<string, int> _ids = new(StringComparer.Ordinal);

    /// <summary>Makes the model of a vocabulary that has been checked and has scores.</summary>
    public Unigram(SentencePieceVocabulary vocabulary)
        : base(vocabulary)
    {
        _vocabulary = vocabulary;
        _stretches = new PieceCache(BestPieces);
        _unknownScore = vocabulary.Scores!.Min() - UnknownPenalty;
        for (int id = 0; id < vocabulary.Scores!.Count; id++)
            if (vocabulary.Pieces[id] is { Kind: PieceKind.Normal or PieceKind.Byte, Text: var text }) Add(text, id);
    }

    /// <inheritdoc/>
    public override void Append(string stretch, List<int> ids) => _stretches.Append(stretch, ids);

    private void Add(string text, int id)
    {
        _ids.Add(text, id);
        int node = 0;
        foreach (char c in text)
        {
            if (!_tree.TryGetValue((node, c), out int next))
            {
                _tree.Add((node, c), next = _pieceAt.Count);
                _pieceAt.Add(None);
            }
            node = next;
        }
        _pieceAt[node] = id;
    }

    private List<int> BestPieces(string text)
    {
        Best[] best = FindBest(text);
        var ends = new Stack<int>();
        for (int end = text.Length; end > 0; end = best[end].Start) ends.Push(end);
        var ids = new List<int>(ends.Count);
        while (ends.TryPop(out int end))
        {
            int start = best[end].Start;
            if (best[end].Id != None)
            {
                ids.Add(best[end].Id);
                continue;
            }
            while (ends.TryPeek(out int next) && best[next].Id == None) end = ends.Pop();
            AppendUnknown(text[start..end], ids);
        }
        return ids;
    }

    /// <summary>Returns for each place in a text the last piece of the best way to cut what lies before it.</summary>
    private Best[] FindBest(string text)
    {
        var best = new Best[text.Length + 1];
        Array.Fill(best, new Best(None, 0, None));
        for (int start = 0; start < text.Length;)
        {
            double before = start == 0 ? 0 : best[start].Score;
            int length = char.IsHighSurrogate(text[start]) ? 2 : 1;
            bool hasCharacter = false;
            int node = 0;
            for (int end = start; end < text.Length && _tree.TryGetValue((node, text[end]), out node);)
            {
                end++;
                if (_pieceAt[node] is not (>= 0 and var id)) continue;
                Offer(ref best[end], new Best(start, before + _vocabulary.Scores![id], id));
                hasCharacter |= end - start == length;
            }
            if (!hasCharacter) Offer(ref best[start + length], new Best(start, before + _unknownScore, None));
            start += length;
        }
        return best;

        static void Offer(ref Best place, Best found)
        {
            if (place.Start == None || found.Score > place.Score) place = found;
        }
    }

    /// <summary>Appends the ids of characters without a piece, which may be a piece together.</summary>
    private void AppendUnknown(string text, List<int> ids)
    {
        if (_ids.TryGetValue(text, out int whole))
        {
            ids.Add(whole);
            return;
        }
        bool isFirst = true;
        foreach (Rune character in text.EnumerateRunes())
        {
            AppendUnknown(character, ids, isFirst);
            isFirst = false;
        }
    }

    /// <summary>The last piece of a way to cut text: where it begins, the sum of the scores up to its end, and its id.</summary>
    private readonly record struct Best(int Start, double Score, int Id);
}
