using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>GPT-2's pre-tokenizer with pieces of limited length.</summary>
/// <remarks>
/// Merging takes BpeTokenizer time quadratic in the length of a piece, so a megabyte without a space would take hours. Only runs
/// longer than the limit, which ordinary text does not have, are encoded otherwise than by GPT-2.
/// </remarks>
internal sealed class BoundedPreTokenizer : PreTokenizer
{
    /// <summary>UTF-16 units in the longest piece.</summary>
    public const int Limit = 4096;

    /// <summary>The one instance; it has no state.</summary>
    public static BoundedPreTokenizer Instance { get; } = new();

    /// <inheritdoc/>
    public override IEnumerable<(int Offset, int Length)> PreTokenize(ReadOnlySpan<char> text) => PreTokenize(text.ToString());

    /// <inheritdoc/>
    public override IEnumerable<(int Offset, int Length)> PreTokenize(string text)
    {
        for (int start = 0; start < text.Length;)
        {
            int end = Gpt2Pieces.EndOf(text, start);
            while (end - start > Limit)
            {
                // Half a surrogate pair would not survive as UTF-8.
                int cut = char.IsHighSurrogate(text[start + Limit - 1]) ? Limit - 1 : Limit;
                yield return (start, cut);
                start += cut;
            }
            yield return (start, end - start);
            start = end;
        }
    }
}
