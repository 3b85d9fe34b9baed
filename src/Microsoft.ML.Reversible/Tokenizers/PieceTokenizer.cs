using System.Text;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>
/// Encodes text with a vocabulary of pieces of text: finds the added tokens, normalizes what lies between, cuts it into stretches, and
/// encodes each with the vocabulary's model.
/// </summary>
internal sealed class PieceTokenizer : AddedTokenTokenizer
{
    private const char Space = SentencePieceVocabulary.Space;

    private readonly SentencePieceVocabulary _vocabulary;
    private readonly PieceModel _model;

    /// <summary>Makes the tokenizer of a vocabulary that has been checked.</summary>
    /// <param name="vocabulary">The vocabulary.</param>
    /// <param name="starters">The ids that a text begins after; negative ones are none.</param>
    public PieceTokenizer(SentencePieceVocabulary vocabulary, params int[] starters)
        : base(
            vocabulary.Texts(starters),
            AddedTokenSplitter.Make(
                vocabulary.Literals, vocabulary.Specials, vocabulary.Normalizer,
                [.. vocabulary.Pieces.Select(piece => piece.Text)], starters))
    {
        _vocabulary = vocabulary;
        _model = vocabulary.Scores is null ? new SentencePieceBpe(vocabulary) : new Unigram(vocabulary);
    }

    /// <inheritdoc/>
    protected override void AppendBetween(string text, int start, List<int> ids)
    {
        bool beginsText = start == 0;
        if (_vocabulary.Steps is not { } steps)
        {
            _model.Append(AsSentencePiece(text, beginsText || _vocabulary.PrefixesEveryStretch), ids);
            return;
        }
        foreach (string piece in PieceStep.ApplyAll(steps, text, beginsText)) _model.Append(piece, ids);
    }

    private string AsSentencePiece(string text, bool canPrefix)
    {
        if (_vocabulary.RemovesExtraSpaces) text = string.Join(' ', text.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        if (text.Length == 0) return text;
        bool prefixed = canPrefix && (_vocabulary.Prefix == DummyPrefix.Always
            || (_vocabulary.Prefix == DummyPrefix.UnlessSpace && text[0] is not (' ' or Space)));
        return (prefixed ? Space.ToString() : "") + text.Replace(' ', Space);
    }
}

/// <summary>Encodes stretches of prepared text.</summary>
/// <param name="vocabulary">The vocabulary.</param>
internal abstract class PieceModel(SentencePieceVocabulary vocabulary)
{
    private readonly int _firstByte = vocabulary.FirstByteId;

    /// <summary>Appends the ids of a stretch.</summary>
    /// <exception cref="ArgumentException">It has a character that the vocabulary cannot represent; the message names it.</exception>
    public abstract void Append(string stretch, List<int> ids);

    /// <summary>Appends the bytes of a character without a piece, or the unknown piece.</summary>
    /// <param name="character">The character.</param>
    /// <param name="ids">The ids to append to.</param>
    /// <param name="isFirst">Whether no unknown piece stands for it together with the characters before it.</param>
    protected void AppendUnknown(Rune character, List<int> ids, bool isFirst)
    {
        if (vocabulary.HasByteFallback)
        {
            Span<byte> bytes = stackalloc byte[4];
            foreach (byte value in bytes[..character.EncodeToUtf8(bytes)]) ids.Add(_firstByte + value);
            return;
        }
        if (vocabulary.UnknownId < 0)
            throw new ArgumentException(
                $"The text has the character '{character}' (U+{character.Value:X4}), which the vocabulary lacks. Leave it out, or use a " +
                "tokenizer with byte fallback.");
        if (isFirst) ids.Add(vocabulary.UnknownId);
    }
}
