using Microsoft.ML.Reversible.Tokenizers;

namespace Microsoft.ML.Reversible.FineTuning;

/// <summary>The tokens of a conversation.</summary>
/// <param name="Ids">The ids.</param>
/// <param name="IsLearned">For each id, whether fine-tuning learns to write it.</param>
internal sealed record ChatTokens(int[] Ids, bool[] IsLearned);

/// <summary>
/// Turns conversations into ids: those of the text that the format writes, with special tokens found in the format's own text alone. Safe
/// to use from several threads.
/// </summary>
/// <remarks>
/// A token is learned if all of its text is: the assistant's text and what ends its turn. A token that begins in the format's text and ends
/// in the assistant's is not learned, since a prompt, which ends between the two, never asks for it.
/// </remarks>
internal sealed class ChatEncoder
{
    private readonly LanguageModelTokenizer _tokenizer;
    private readonly ChatFormat _format;
    private readonly AddedTokenFinder _finder;

    /// <summary>Makes the encoder.</summary>
    /// <exception cref="ArgumentException">The tokenizer lacks a token of the format; the message names it.</exception>
    public ChatEncoder(LanguageModelTokenizer tokenizer, ChatFormat format)
    {
        (_tokenizer, _format, _finder) = (tokenizer, format, tokenizer.Finder);
        foreach (string token in format.Tokens)
            if (!Has(tokenizer, token)) throw new ArgumentException(Missing(format, token), nameof(format));
        EndOfTurnIds = format.EndsOfTurn.Select(IdOf).Append(tokenizer.EndOfTextId).ToHashSet();
    }

    /// <summary>The format.</summary>
    public ChatFormat Format => _format;

    /// <summary>The ids that end the assistant's turn: those of the format, and end-of-text.</summary>
    public IReadOnlySet<int> EndOfTurnIds { get; }

    /// <summary>Returns whether a tokenizer has a token that a format can write.</summary>
    public static bool Has(LanguageModelTokenizer tokenizer, string token) =>
        token == tokenizer.EndOfText || token == tokenizer.Prefix
        || tokenizer.Finder[token] is { } added && added.Id < tokenizer.VocabularySize;

    /// <summary>Encodes a conversation to learn from.</summary>
    /// <exception cref="ArgumentException">
    /// The format does not have such a conversation, or a text has a character or a token that the tokenizer cannot take.
    /// </exception>
    public ChatTokens Encode(IReadOnlyList<ChatTurn> turns) => Encode(_format.Write(turns, addGenerationPrompt: false));

    /// <summary>Encodes a conversation that the model continues with the assistant's turn.</summary>
    /// <inheritdoc cref="Encode(IReadOnlyList{ChatTurn})" path="/exception"/>
    public int[] EncodePrompt(IReadOnlyList<ChatTurn> turns) => Encode(_format.Write(turns, addGenerationPrompt: true)).Ids;

    private static string Missing(ChatFormat format, string token) =>
        $"The chat format {format.Name} needs the token '{token}', which the tokenizer does not have. Give the format that the model was " +
        "trained with, or one whose marks may be ordinary text (llama2, zephyr), or add the token to the tokenizer and the model.";

    private int IdOf(string token) => _finder[token]?.Id ?? (token == _tokenizer.EndOfText ? _tokenizer.EndOfTextId : _tokenizer.PrefixId);

    private ChatTokens Encode(IReadOnlyList<ChatPiece> pieces)
    {
        var text = new ChatText(pieces, _tokenizer);
        List<int> ids = [];
        List<bool> learned = [];
        int at = 0;
        foreach (FoundToken found in text.Tokens(_finder))
        {
            if (found.Start < at) continue;
            (int end, int next) = found.WithSpace(text.Whole, at);
            AddPart(text, at, end, ids, learned);
            ids.Add(_tokenizer.Inside(found.Token.Id, found.Token.Content));
            learned.Add(text.IsLearned(found.Start, found.End));
            at = next;
        }
        AddPart(text, at, text.Whole.Length, ids, learned);
        return new([.. ids], [.. learned]);
    }

    private void AddPart(ChatText text, int start, int end, List<int> ids, List<bool> learned)
    {
        if (end <= start) return;
        RefuseTokens(text, start, end);
        int[] part = _tokenizer.EncodePart(text.Whole[start..end], start);
        int first = learned.Count;
        ids.AddRange(part);
        learned.AddRange(Enumerable.Repeat(text.IsLearnedAt(start), part.Length));

        int[] lengths = [];
        for (int at = start + 1; at < end; at++)
        {
            if (text.IsLearnedAt(at) == text.IsLearnedAt(at - 1)) continue;
            if (lengths.Length == 0) lengths = Lengths(part);
            // The tokenizer may change the text, so the length of the text before is that of its own tokens.
            int before = Lengths(_tokenizer.EncodePart(text.Whole[start..at], start)).LastOrDefault();
            int last = Array.FindIndex(lengths, length => length >= before);
            if (last < 0) last = lengths.Length - 1;
            for (int i = last + 1; i < part.Length; i++) learned[first + i] = text.IsLearnedAt(at);
            if (before > 0 && lengths[last] > before) learned[first + last] = false;
            if (before == 0) learned[first] = text.IsLearnedAt(at);
        }
    }

    /// <summary>Refuses text of a turn that the tokenizer reads as a token of the format in any text.</summary>
    private void RefuseTokens(ChatText text, int start, int end)
    {
        foreach (string token in _format.Tokens)
        {
            if (_finder[token] is { IsSpecial: false } && text.Whole.IndexOf(token, start, end - start, StringComparison.Ordinal) >= 0)
                throw new ArgumentException(
                    $"A turn has the text '{token}', which this tokenizer always reads as the token of the chat format {_format.Name}. " +
                    "Leave it out of the turn.");
        }
    }

    /// <summary>Returns how long the text is after each token.</summary>
    private int[] Lengths(int[] ids)
    {
        TokenDecoder decoder = _tokenizer.CreateDecoder(continuation: true);
        int length = 0;
        return [.. ids.Select((id, i) =>
            length += decoder.Append(id).Length + (i == ids.Length - 1 ? decoder.Finish().Length : 0))];
    }
}
