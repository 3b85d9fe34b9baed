using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.ML.Reversible.Tokenizers;

namespace Microsoft.ML.Reversible.Data;

/// <summary>Rows to make a token cache from, and how they become tokens.</summary>
/// <typeparam name="TRow">The type of a row.</typeparam>
internal abstract class TokenCacheSource<TRow>(IEnumerable<TRow> rows, int vocabularySize, string tokenizerHash)
{
    /// <summary>The rows, which are read in order, at most twice.</summary>
    public IEnumerable<TRow> Rows => rows;

    /// <summary>Number of ids, which run from 0.</summary>
    public int VocabularySize => vocabularySize;

    /// <summary>The hash of the tokenizer.</summary>
    public string TokenizerHash => tokenizerHash;

    /// <summary>Returns the number of characters or ids in a row. Empty rows are left out.</summary>
    public abstract int Length(TRow row);

    /// <summary>Returns the ids of a row that is not empty, with its end-of-text. Several threads call it at once.</summary>
    public abstract int[] Encode(TRow row);

    /// <summary>Adds a row to the source's hash.</summary>
    /// <returns>The row's bytes, as <see cref="TokenizationProgress.Bytes"/> counts them.</returns>
    public abstract long AddTo(TokenCacheHash hash, TRow row);

    /// <summary>Returns the exception for rows that are all empty.</summary>
    public abstract InvalidOperationException NoRows();
}

/// <summary>Rows of text.</summary>
internal sealed class TextSource(IEnumerable<string> rows, LanguageModelTokenizer tokenizer, int? endOfTextId = null)
    : TokenCacheSource<string>(
        rows, tokenizer.VocabularySize, endOfTextId is null ? tokenizer.Hash : $"{tokenizer.Hash}, end-of-text {endOfTextId}")
{
    /// <inheritdoc/>
    public override int Length(string row) => row.Length;

    /// <inheritdoc/>
    public override int[] Encode(string row) => TokenPacker.Pack(row, tokenizer, endOfTextId);

    /// <inheritdoc/>
    public override long AddTo(TokenCacheHash hash, string row) => hash.Add(row);

    /// <inheritdoc/>
    public override InvalidOperationException NoRows() => Vocabulary.NoText();
}

/// <summary>Rows of ids.</summary>
internal sealed class IdSource(IEnumerable<int[]> rows, int vocabularySize, int? endOfTextId)
    : TokenCacheSource<int[]>(rows, vocabularySize, $"ids, end-of-text {endOfTextId?.ToString(CultureInfo.InvariantCulture) ?? "none"}")
{
    /// <inheritdoc/>
    public override int Length(int[] row) => row.Length;

    /// <inheritdoc/>
    public override int[] Encode(int[] row) => TokenPacker.Pack(row, endOfTextId);

    /// <inheritdoc/>
    public override long AddTo(TokenCacheHash hash, int[] row) => hash.Add(row);

    /// <inheritdoc/>
    public override InvalidOperationException NoRows() =>
        new("The training data has no rows with tokens. Give at least one row that is not empty.");
}

/// <summary>Makes the tokens of a row: its ids and end-of-text.</summary>
internal static class TokenPacker
{
    /// <summary>Returns the ids of a text and end-of-text, the tokenizer's unless another is given; none for an empty text.</summary>
    /// <exception cref="ArgumentException">The row has a character that the tokenizer cannot represent.</exception>
    public static int[] Pack(string row, LanguageModelTokenizer tokenizer, int? endOfTextId = null) =>
        row.Length == 0 ? [] : [.. tokenizer.Encode(row), endOfTextId ?? tokenizer.EndOfTextId];

    /// <summary>Returns ids and end-of-text, unless they end with it or it is null; none for an empty row.</summary>
    public static int[] Pack(int[] ids, int? endOfTextId) =>
        ids.Length == 0 || endOfTextId is not { } end || ids[^1] == end ? ids : [.. ids, end];
}

/// <summary>Computes the SHA-256 of the rows that a token cache is made from, with their borders.</summary>
internal sealed class TokenCacheHash : IDisposable
{
    private const int ChunkUnits = 1 << 14;
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly Encoder _utf8 = Encoding.UTF8.GetEncoder();
    private readonly byte[] _buffer = new byte[Encoding.UTF8.GetMaxByteCount(ChunkUnits)];

    /// <summary>Adds a row of text.</summary>
    /// <returns>The length of its UTF-8 in bytes.</returns>
    public long Add(ReadOnlySpan<char> row)
    {
        long length = 0;
        do
        {
            ReadOnlySpan<char> chunk = row[..Math.Min(row.Length, ChunkUnits)];
            row = row[chunk.Length..];
            int count = _utf8.GetBytes(chunk, _buffer, flush: row.IsEmpty);
            _hash.AppendData(_buffer, 0, count);
            length += count;
        }
        while (!row.IsEmpty);

        // No UTF-8 holds this byte, so it marks the end of the row.
        _hash.AppendData([0xFF]);
        return length;
    }

    /// <summary>Adds a row of ids.</summary>
    /// <returns>Their length, four bytes each.</returns>
    public long Add(ReadOnlySpan<int> row)
    {
        long length = (long)row.Length * sizeof(int);
        BinaryPrimitives.WriteInt64LittleEndian(_buffer, length);
        _hash.AppendData(_buffer, 0, sizeof(long));
        while (!row.IsEmpty)
        {
            ReadOnlySpan<int> chunk = row[..Math.Min(row.Length, _buffer.Length / sizeof(int))];
            row = row[chunk.Length..];
            for (int i = 0; i < chunk.Length; i++) BinaryPrimitives.WriteInt32LittleEndian(_buffer.AsSpan(i * sizeof(int)), chunk[i]);
            _hash.AppendData(_buffer, 0, chunk.Length * sizeof(int));
        }
        return length;
    }

    /// <summary>Returns the hash of all rows added, 64 hexadecimal digits.</summary>
    public string Finish() => Convert.ToHexString(_hash.GetHashAndReset());

    /// <inheritdoc/>
    public void Dispose() => _hash.Dispose();
}

/// <summary>Wraps a failure to read the rows, so that it is not taken for a failure to write the cache.</summary>
internal sealed class TokenCacheSourceFailure(Exception inner) : Exception(inner.Message, inner)
{
    /// <summary>Returns the rows. Failures to read them are wrapped in a <see cref="TokenCacheSourceFailure"/>.</summary>
    public static IEnumerable<TRow> Marked<TRow>(IEnumerable<TRow> rows)
    {
        using IEnumerator<TRow> row = rows.GetEnumerator();
        while (true)
        {
            try
            {
                if (!row.MoveNext()) yield break;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new TokenCacheSourceFailure(e);
            }
            yield return row.Current;
        }
    }
}
