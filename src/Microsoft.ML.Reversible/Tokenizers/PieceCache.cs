using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>A BPE tokenizer that remembers the ids of pieces of text. Safe to use from several threads.</summary>
/// <remarks>
/// Natural text repeats its pieces, and remembering one is many times as fast as merging it anew. BpeTokenizer keeps the first 10,000 and
/// no others, of which a long text soon has too many, and its threads wait for one another to look. Here each place keeps the two pieces
/// that came to it last, and no thread waits: at worst, one forgets what another has just learned.
/// </remarks>
/// <param name="tokenizer">The tokenizer; its pre-tokenizer alone decides what a piece is.</param>
internal sealed class PieceCache(BpeTokenizer tokenizer)
{
    private const int Places = 1 << 16;
    private const int LongestKept = 32;
    private readonly Entry?[] _entries = new Entry?[Places * 2];

    /// <summary>The ids of a text.</summary>
    public List<int> EncodeToIds(string text)
    {
        var ids = new List<int>(text.Length / 3 + 1);
        foreach ((int offset, int length) in tokenizer.PreTokenizer!.PreTokenize(text))
        {
            ReadOnlySpan<char> piece = text.AsSpan(offset, length);
            if (length > LongestKept) ids.AddRange(Merge(piece.ToString()));
            else ids.AddRange(Remembered(piece));
        }
        return ids;
    }

    private int[] Remembered(ReadOnlySpan<char> piece)
    {
        Span<Entry?> place = _entries.AsSpan((string.GetHashCode(piece) & (Places - 1)) * 2, 2);
        Entry? last = place[0];
        if (last is not null && piece.SequenceEqual(last.Piece)) return last.Ids;
        Entry? found = place[1];
        if (found is null || !piece.SequenceEqual(found.Piece))
        {
            string text = piece.ToString();
            found = new Entry(text, [.. Merge(text)]);
        }
        (place[0], place[1]) = (found, last);
        return found.Ids;
    }

    private IReadOnlyList<int> Merge(string piece) => tokenizer.EncodeToIds(piece, considerPreTokenization: false);

    private sealed record Entry(string Piece, int[] Ids);
}
