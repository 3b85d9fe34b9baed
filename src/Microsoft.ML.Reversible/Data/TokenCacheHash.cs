using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Microsoft.ML.Reversible.Data;

/// <summary>The SHA-256 of the rows that a token cache is made of, borders of rows included.</summary>
internal sealed class TokenCacheHash : IDisposable
{
    private const int ChunkUnits = 1 << 14;
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly Encoder _utf8 = Encoding.UTF8.GetEncoder();
    private readonly byte[] _buffer = new byte[Encoding.UTF8.GetMaxByteCount(ChunkUnits)];

    /// <summary>Adds a row of text.</summary>
    /// <returns>The length of its UTF-8, bytes.</returns>
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

        // No UTF-8 holds this byte, so it ends the row for certain.
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

    /// <summary>The hash of all rows added, 64 hexadecimal digits.</summary>
    public string Finish() => Convert.ToHexString(_hash.GetHashAndReset());

    /// <inheritdoc/>
    public void Dispose() => _hash.Dispose();
}
