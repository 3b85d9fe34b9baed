using System.Buffers;
using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>
/// Base of this library's own tokenizers. It computes the ids of a text, which is all that <see cref="LanguageModelTokenizer"/> needs, but
/// not the tokens' positions in the text.
/// </summary>
/// <param name="texts">The text of every token.</param>
internal abstract class IdTokenizer(TokenTexts texts) : Tokenizer
{
    /// <summary>The text of every token.</summary>
    public TokenTexts Texts => texts;

    /// <inheritdoc/>
    public override string Decode(IEnumerable<int> ids) => texts.Decode([.. ids], continuation: false);

    /// <inheritdoc/>
    public override OperationStatus Decode(IEnumerable<int> ids, Span<char> destination, out int idsConsumed, out int charsWritten)
    {
        int[] all = [.. ids];
        string text = texts.Decode(all, continuation: false);
        bool fits = text.AsSpan().TryCopyTo(destination);
        (idsConsumed, charsWritten) = fits ? (all.Length, text.Length) : (0, 0);
        return fits ? OperationStatus.Done : OperationStatus.DestinationTooSmall;
    }

    /// <summary>Appends the ids of a text that UTF-8 can represent, with nothing added before or after.</summary>
    /// <exception cref="ArgumentException">The text has a character that the vocabulary cannot represent; the message names it.</exception>
    protected abstract void Append(string text, List<int> ids);

    /// <inheritdoc/>
    protected override EncodeResults<int> EncodeToIds(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        string whole = text ?? textSpan.ToString();
        var ids = new List<int>(whole.Length / 3 + 1);
        Append(whole, ids);
        if (ids.Count > settings.MaxTokenCount) throw NoPositions();
        return new EncodeResults<int> { Tokens = ids, CharsConsumed = whole.Length };
    }

    /// <inheritdoc/>
    protected override int CountTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings) =>
        EncodeToIds(text, textSpan, settings).Tokens.Count;

    /// <inheritdoc/>
    protected override EncodeResults<EncodedToken> EncodeToTokens(
        string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings) => throw NoPositions();

    private static NotSupportedException NoPositions() =>
        new("This tokenizer computes the ids of a whole text, not the tokens' positions in it.");
}
