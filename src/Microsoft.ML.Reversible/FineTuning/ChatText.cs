using System.Text;
using Microsoft.ML.Reversible.Tokenizers;

namespace Microsoft.ML.Reversible.FineTuning;

/// <summary>The text of a conversation as a format writes it, with what each part of it is.</summary>
internal sealed class ChatText
{
    private readonly List<(int Start, int End, int? Id)> _marked = [];
    private readonly bool[] _learned;

    /// <summary>Joins pieces.</summary>
    public ChatText(IReadOnlyList<ChatPiece> pieces, LanguageModelTokenizer tokenizer)
    {
        var text = new StringBuilder();
        var learned = new List<bool>();
        foreach (ChatPiece piece in pieces)
        {
            int start = text.Length;
            int? id = piece.Kind switch
            {
                ChatPieceKind.BeginOfText => tokenizer.PrefixId,
                ChatPieceKind.EndOfText => tokenizer.EndOfTextId,
                _ => null,
            };
            text.Append(id == tokenizer.EndOfTextId ? tokenizer.EndOfText : id is not null ? tokenizer.Prefix
                : LanguageModelTokenizer.WellFormed(piece.Text ?? ""));
            learned.AddRange(Enumerable.Repeat(piece.IsLearned, text.Length - start));
            if (piece.Kind != ChatPieceKind.Content) Mark(start, text.Length, id);
        }
        (Whole, _learned) = (text.ToString(), [.. learned]);
    }

    /// <summary>The text.</summary>
    public string Whole { get; }

    /// <summary>Returns whether the character at a place is learned.</summary>
    public bool IsLearnedAt(int index) => _learned[index];

    /// <summary>Returns whether all characters of a part are learned.</summary>
    public bool IsLearned(int start, int end) => !_learned.AsSpan(start, end - start).Contains(false);

    /// <summary>Returns the tokens in the format's own text, in order.</summary>
    public IEnumerable<FoundToken> Tokens(AddedTokenFinder finder)
    {
        foreach ((int start, int end, int? id) in _marked)
        {
            if (id is not { } known)
            {
                foreach (FoundToken found in finder.Find(Whole, start, end)) yield return found;
                continue;
            }
            string text = Whole[start..end];
            yield return new(start, end, finder[text] ?? new AddedToken(known, text, IsSpecial: true, Path: ""));
        }
    }

    /// <summary>Adds a part of the format's own text; a token may span two such parts that follow each other.</summary>
    private void Mark(int start, int end, int? id)
    {
        if (id is null && _marked is [.., (int first, int last, null)] && last == start) _marked[^1] = (first, end, null);
        else if (end > start) _marked.Add((start, end, id));
    }
}
