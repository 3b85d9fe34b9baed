using Microsoft.ML.Reversible.Tokenizers;

namespace Microsoft.ML.Reversible.Data;

/// <summary>Turns a row of text into its part of a stream of tokens.</summary>
internal static class TokenPacker
{
    /// <summary>The ids of a row, then end-of-text, the tokenizer's unless another is given; none for an empty row.</summary>
    /// <exception cref="ArgumentException">The row has a character that the tokenizer cannot represent.</exception>
    public static int[] Pack(string row, LanguageModelTokenizer tokenizer, int? endOfTextId = null) =>
        row.Length == 0 ? [] : [.. tokenizer.Encode(row), endOfTextId ?? tokenizer.EndOfTextId];

    /// <summary>Ids as they are, then end-of-text unless they end with it or there is none; none for an empty row.</summary>
    public static int[] Pack(int[] ids, int? endOfTextId) =>
        ids.Length == 0 || endOfTextId is not { } end || ids[^1] == end ? ids : [.. ids, end];
}
