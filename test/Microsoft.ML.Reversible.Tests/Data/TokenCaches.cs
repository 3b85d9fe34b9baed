using Microsoft.ML.Reversible.Data;
using Microsoft.ML.Reversible.Tokenizers;

namespace Microsoft.ML.Reversible.Tests.Data;

/// <summary>Token caches for tests.</summary>
internal static class TokenCaches
{
    public static LanguageModelTokenizer Bytes { get; } = LanguageModelTokenizer.Learn([], TextTokenization.Byte, 0);

    /// <summary>A tokenizer of the same size and with the same ids, but another hash.</summary>
    public static LanguageModelTokenizer OtherBytes { get; } = LanguageModelTokenizer.Learn(["ab"], TextTokenization.Bpe, 257);

    /// <summary>A temporary cache of these rows, as they are.</summary>
    public static TokenCache Of(params int[][] rows) => TokenCacheBuilder.Build(rows, 1 << 20, endOfTextId: null, path: null);

    /// <summary>A temporary cache of one row that counts from 0.</summary>
    public static TokenCache Counting(int tokens) => Of([.. Enumerable.Range(0, tokens)]);

    public static TokenCache Text(string? path, params IEnumerable<string> rows) => TokenCacheBuilder.Build(rows, Bytes, path);

    public static long[] Tokens(this TokenCache cache)
    {
        var tokens = new long[cache.TokenCount];
        cache.Read(0, tokens);
        return tokens;
    }

    public static long[] RowStarts(this TokenCache cache) =>
        [.. Enumerable.Range(0, (int)cache.RowCount + 1).Select(row => cache.RowStart(row))];

    /// <summary>Rows of random lengths whose tokens count through all rows.</summary>
    public static int[][] RandomRows(Random random, int rows, int longest)
    {
        int next = 0;
        return [.. Enumerable.Range(0, rows).Select(_ => Enumerable.Range(0, random.Next(1, longest + 1)).Select(_ => next++).ToArray())];
    }
}
