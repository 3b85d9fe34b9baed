using System.Buffers.Binary;
using Microsoft.ML.Reversible.Checkpoints;

namespace Microsoft.ML.Reversible.Data;

/// <summary>Writes a token cache in one pass, in memory that does not depend on its size.</summary>
/// <param name="stream">Takes the file; it must be able to seek.</param>
/// <param name="folder">Takes a file that is needed while the cache is written.</param>
/// <param name="vocabularySize">Number of ids.</param>
internal sealed class TokenCacheWriter(Stream stream, string folder, int vocabularySize) : IDisposable
{
    private const int BufferBytes = 1 << 16;
    private readonly byte[] _buffer = new byte[BufferBytes];

    // Rows end all along the stream of tokens but are written behind it, so they wait in a file of their own.
    private readonly FileStream _rowEnds = VanishingFile.Create(folder);
    private TokenCacheHeader _header = new(vocabularySize, 0, 0, "", "");

    /// <summary>Tokens written so far.</summary>
    public long TokenCount => _header.TokenCount;

    /// <summary>Writes the tokens of the next row.</summary>
    /// <param name="row">The row's place in the source, for the message.</param>
    /// <param name="ids">The tokens, at least one.</param>
    /// <exception cref="ArgumentOutOfRangeException">An id is outside the vocabulary; the message names the row and the range.</exception>
    public void Append(long row, ReadOnlySpan<int> ids)
    {
        if (_header.TokenCount == 0) stream.Position = TokenCacheHeader.Length;
        foreach (int id in ids)
            if ((uint)id >= (uint)vocabularySize)
                throw new ArgumentOutOfRangeException(
                    nameof(ids), id, $"Row {row} of the data has the id {id}, but those of the vocabulary are 0 to {vocabularySize - 1}.");

        _header = _header with { TokenCount = _header.TokenCount + ids.Length, RowCount = _header.RowCount + 1 };
        int width = _header.TokenWidth;
        while (!ids.IsEmpty)
        {
            ReadOnlySpan<int> chunk = ids[..Math.Min(ids.Length, BufferBytes / width)];
            ids = ids[chunk.Length..];
            for (int i = 0; i < chunk.Length; i++)
            {
                if (width == sizeof(ushort)) BinaryPrimitives.WriteUInt16LittleEndian(_buffer.AsSpan(i * sizeof(ushort)), (ushort)chunk[i]);
                else BinaryPrimitives.WriteInt32LittleEndian(_buffer.AsSpan(i * sizeof(int)), chunk[i]);
            }
            stream.Write(_buffer, 0, chunk.Length * width);
        }
        BinaryPrimitives.WriteInt64LittleEndian(_buffer, _header.TokenCount);
        _rowEnds.Write(_buffer, 0, sizeof(long));
    }

    /// <summary>Writes what only the whole cache tells.</summary>
    public void Finish(string sourceHash, string tokenizerHash)
    {
        _header = _header with { SourceHash = sourceHash, TokenizerHash = tokenizerHash };
        _buffer.AsSpan(0, sizeof(long)).Clear();
        stream.Write(_buffer, 0, (int)(_header.RowsOffset - stream.Position));
        _rowEnds.Position = 0;
        _rowEnds.CopyTo(stream, BufferBytes);
        stream.Position = 0;
        stream.Write(_header.ToBytes());
    }

    /// <inheritdoc/>
    public void Dispose() => _rowEnds.Dispose();
}
