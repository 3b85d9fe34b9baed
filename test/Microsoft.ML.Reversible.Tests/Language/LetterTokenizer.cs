using System.Buffers;
using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Reversible.Tests.Language;

/// <summary>A tokenizer of a user's own class, for lower-case letters: 1 to 26, 27 for all else.</summary>
internal sealed class LetterTokenizer(Action? decoding = null) : Tokenizer
{
    private const int Other = 27;

    public IReadOnlyDictionary<string, int> Vocabulary { get; } =
        Enumerable.Range(0, Other + 1).ToDictionary(id => id is > 0 and < Other ? $"{(char)('a' + id - 1)}" : $"<{id}>");

    protected override EncodeResults<EncodedToken> EncodeToTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        string source = text ?? textSpan.ToString();
        var tokens = source.Select((c, i) => new EncodedToken(char.IsAsciiLetterLower(c) ? c - 'a' + 1 : Other, $"{c}", i..(i + 1)));
        return new EncodeResults<EncodedToken> { Tokens = [.. tokens], CharsConsumed = source.Length };
    }

    public override OperationStatus Decode(IEnumerable<int> ids, Span<char> destination, out int idsConsumed, out int charsWritten)
    {
        decoding?.Invoke();
        (idsConsumed, charsWritten) = (0, 0);
        foreach (int id in ids)
        {
            if (charsWritten == destination.Length) return OperationStatus.DestinationTooSmall;
            destination[charsWritten++] = id is > 0 and < Other ? (char)('a' + id - 1) : '.';
            idsConsumed++;
        }
        return OperationStatus.Done;
    }
}
