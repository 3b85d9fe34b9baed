using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Microsoft.ML.Reversible.Storage;
using Microsoft.Win32.SafeHandles;

namespace Microsoft.ML.Reversible.Data;

/// <summary>A file of token ids with the borders of its rows. Any thread can read it, from any position.</summary>
/// <remarks>
/// The file is read by position, not mapped into memory: the operating system caches it as well, but its pages do not count as memory of
/// this process, and a failing disk or a truncated file gives an exception instead of ending the process.
/// </remarks>
internal sealed class TokenCache : IDisposable
{
    private const int ChunkBytes = 1 << 16;
    private readonly string _name;
    private readonly SafeFileHandle _handle;
    private readonly IDisposable _owner;
    private readonly TokenCacheHeader _header;

    private TokenCache(string name, SafeFileHandle handle, IDisposable owner)
    {
        (_name, _handle, _owner) = (name, handle, owner);
        long length = RandomAccess.GetLength(handle);
        var start = new byte[Math.Min(length, TokenCacheHeader.Length)];
        ReadAt(0, start);
        _header = TokenCacheHeader.Parse(start, length, out string error) ?? throw Damaged(error);
        CheckRows();
    }

    /// <summary>Number of tokens, at least 1.</summary>
    public long TokenCount => _header.TokenCount;

    /// <summary>Number of rows, each of at least one token.</summary>
    public long RowCount => _header.RowCount;

    /// <summary>Number of ids, which run from 0.</summary>
    public int VocabularySize => _header.VocabularySize;

    /// <summary>The hash of the tokenizer that made the tokens.</summary>
    public string TokenizerHash => _header.TokenizerHash;

    /// <summary>SHA-256 of the rows that the tokens were made from, 64 hexadecimal digits.</summary>
    public string SourceHash => _header.SourceHash;

    /// <summary>Whether <see cref="TokenCacheBuilder"/> found this cache instead of writing it.</summary>
    public bool WasReused { get; init; }

    /// <summary>Opens a file and checks everything but the tokens, which are checked as they are read.</summary>
    /// <param name="path">The file.</param>
    /// <param name="reused">The value of <see cref="WasReused"/>.</param>
    /// <exception cref="InvalidDataException">The file is not a token cache, or it is damaged; the message names it.</exception>
    /// <exception cref="IOException">The file could not be read.</exception>
    public static TokenCache Open(string path, bool reused = false)
    {
        // Another process may put a new cache in this one's place meanwhile.
        SafeFileHandle handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        return Own(path, handle, handle, reused);
    }

    /// <summary>Makes a cache of an open file, which is disposed of with it.</summary>
    public static TokenCache FromStream(FileStream stream) => Own(stream.Name, stream.SafeFileHandle, stream, reused: false);

    /// <summary>Returns the position of the first token of a row; <see cref="TokenCount"/> for the row after the last.</summary>
    public long RowStart(long row)
    {
        Span<long> start = stackalloc long[1];
        ReadRowStarts(row, start);
        return start[0];
    }

    /// <summary>Reads the positions of the first tokens of consecutive rows, as <see cref="RowStart"/> returns them.</summary>
    public void ReadRowStarts(long firstRow, Span<long> destination)
    {
        if (firstRow < 0 || firstRow + destination.Length > RowCount + 1)
            throw new ArgumentOutOfRangeException(nameof(firstRow), firstRow, $"The cache has {RowCount} rows.");
        if (destination.IsEmpty) return;
        if (firstRow == 0)
        {
            destination[0] = 0;
            destination = destination[1..];
            firstRow++;
        }
        ReadAt(_header.RowsOffset + (firstRow - 1) * sizeof(long), MemoryMarshal.AsBytes(destination));
        if (!BitConverter.IsLittleEndian) BinaryPrimitives.ReverseEndianness(destination, destination);
    }

    /// <summary>Reads consecutive tokens.</summary>
    /// <exception cref="InvalidDataException">A token is outside the vocabulary: the file has been damaged.</exception>
    public void Read(long start, Span<long> destination)
    {
        if (start < 0 || destination.Length > TokenCount - start)
            throw new ArgumentOutOfRangeException(nameof(start), start, $"The cache has {TokenCount} tokens.");
        int width = _header.TokenWidth;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(ChunkBytes);
        try
        {
            while (!destination.IsEmpty)
            {
                int count = Math.Min(destination.Length, ChunkBytes / width);
                Span<byte> bytes = buffer.AsSpan(0, count * width);
                ReadAt(TokenCacheHeader.Length + start * width, bytes);
                for (int i = 0; i < count; i++)
                    destination[i] = width == sizeof(ushort)
                        ? BinaryPrimitives.ReadUInt16LittleEndian(bytes[(i * sizeof(ushort))..])
                        : BinaryPrimitives.ReadUInt32LittleEndian(bytes[(i * sizeof(uint))..]);
                foreach (long id in destination[..count])
                    if (id >= VocabularySize) throw Damaged($"it has the token {id}, but its vocabulary has {VocabularySize}");
                start += count;
                destination = destination[count..];
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _owner.Dispose();

    private static TokenCache Own(string name, SafeFileHandle handle, IDisposable owner, bool reused)
    {
        try
        {
            return new TokenCache(name, handle, owner) { WasReused = reused };
        }
        catch
        {
            owner.Dispose();
            throw;
        }
    }

    private void CheckRows()
    {
        var starts = new long[ChunkBytes / sizeof(long)];
        long previous = -1;
        for (long row = 0; row <= RowCount; row += starts.Length)
        {
            Span<long> read = starts.AsSpan(0, (int)Math.Min(starts.Length, RowCount + 1 - row));
            ReadRowStarts(row, read);
            foreach (long start in read)
            {
                if (start <= previous || start > TokenCount) throw Damaged("its rows do not follow one another");
                previous = start;
            }
        }
        if (previous != TokenCount) throw Damaged("its rows do not hold all its tokens");
    }

    private void ReadAt(long position, Span<byte> destination)
    {
        while (!destination.IsEmpty)
        {
            int count = RandomAccess.Read(_handle, destination, position);
            if (count == 0) throw Damaged("it became shorter while it was read");
            destination = destination[count..];
            position += count;
        }
    }

    private InvalidDataException Damaged(string reason) =>
        new($"The token cache '{_name}' cannot be used: {reason}. Delete it; it is made again when it is needed.");
}

/// <summary>The header of a token cache, at the start of its file.</summary>
/// <remarks>
/// Little endian: magic (8 bytes), version and bytes a token (4 each), vocabulary size, tokens, rows (8 each), the source's SHA-256 (32),
/// length of the tokenizer's hash (4) and the hash (UTF-8, 148 with zeros after it), SHA-256 of all that (32). The tokens follow, then
/// zeros up to a multiple of 8 bytes, then the end of every row in tokens, 8 bytes each.
/// </remarks>
/// <param name="VocabularySize">Number of ids, at least 1.</param>
/// <param name="TokenCount">Number of tokens, at least 1.</param>
/// <param name="RowCount">Number of rows, each of at least one token.</param>
/// <param name="SourceHash">SHA-256 of the rows that the tokens were made from, 64 hexadecimal digits.</param>
/// <param name="TokenizerHash">The hash of the tokenizer, at most 148 bytes of UTF-8.</param>
internal sealed record TokenCacheHeader(int VocabularySize, long TokenCount, long RowCount, string SourceHash, string TokenizerHash)
{
    /// <summary>Bytes of the header.</summary>
    public const int Length = Checksum + SHA256.HashSizeInBytes;

    private const int Version = 1;
    private const int HashText = 76;
    private const int Checksum = HashText + MaxTokenizerHash;
    private const int MaxTokenizerHash = 148;

    private static ReadOnlySpan<byte> Magic => "RevToken"u8;

    /// <summary>Bytes of a token: two where every id fits, else four.</summary>
    public int TokenWidth => VocabularySize <= 1 << 16 ? sizeof(ushort) : sizeof(uint);

    /// <summary>The position in the file of the rows' ends.</summary>
    public long RowsOffset => Length + (TokenCount * TokenWidth + 7) / 8 * 8;

    /// <summary>Bytes of the whole file.</summary>
    public long FileLength => RowsOffset + RowCount * sizeof(long);

    /// <summary>Returns the header as bytes.</summary>
    /// <exception cref="ArgumentException">The tokenizer's hash is too long.</exception>
    public byte[] ToBytes()
    {
        byte[] tokenizer = Encoding.UTF8.GetBytes(TokenizerHash);
        if (tokenizer.Length > MaxTokenizerHash)
            throw new ArgumentException($"The tokenizer's hash takes {tokenizer.Length} bytes, but at most {MaxTokenizerHash} fit.");
        var bytes = new byte[Length];
        Magic.CopyTo(bytes);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(8), Version);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(12), TokenWidth);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(16), VocabularySize);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(24), TokenCount);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(32), RowCount);
        Convert.FromHexString(SourceHash).CopyTo(bytes, 40);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(72), tokenizer.Length);
        tokenizer.CopyTo(bytes, HashText);
        SHA256.HashData(bytes.AsSpan(0, Checksum), bytes.AsSpan(Checksum));
        return bytes;
    }

    /// <summary>Reads a header. Returns null and an error where the bytes are not the header of a file of that length.</summary>
    public static TokenCacheHeader? Parse(ReadOnlySpan<byte> bytes, long fileLength, out string error)
    {
        error = "";
        if (bytes.Length < Length) error = $"it has only {bytes.Length} bytes";
        else if (!bytes.StartsWith(Magic)) error = "it does not begin with the mark of a token cache";
        else if (BinaryPrimitives.ReadInt32LittleEndian(bytes[8..]) is var version and not Version)
            error = $"it is of version {version}, not {Version}";
        else if (!SHA256.HashData(bytes[..Checksum]).AsSpan().SequenceEqual(bytes[Checksum..Length])) error = "its header is damaged";
        if (error.Length > 0) return null;

        long vocabulary = BinaryPrimitives.ReadInt64LittleEndian(bytes[16..]);
        long tokens = BinaryPrimitives.ReadInt64LittleEndian(bytes[24..]);
        long rows = BinaryPrimitives.ReadInt64LittleEndian(bytes[32..]);
        int tokenizerLength = BinaryPrimitives.ReadInt32LittleEndian(bytes[72..]);

        // The checksum detects accidents only; these bounds keep the products below from overflowing whatever the file says.
        bool bounded = vocabulary is >= 1 and <= int.MaxValue && tokens >= 1 && rows >= 1 && rows <= tokens && tokens <= fileLength
            && tokenizerLength is >= 0 and <= MaxTokenizerHash;
        if (bounded)
        {
            var header = new TokenCacheHeader((int)vocabulary, tokens, rows, Convert.ToHexString(bytes[40..72]),
                Encoding.UTF8.GetString(bytes.Slice(HashText, tokenizerLength)));
            if (header.TokenWidth == BinaryPrimitives.ReadInt32LittleEndian(bytes[12..]) && header.FileLength == fileLength) return header;
        }
        error = $"it has {fileLength} bytes, which is not the length that its header gives";
        return null;
    }
}

/// <summary>Writes a token cache in one pass, in memory that does not depend on its size.</summary>
/// <param name="stream">The file; it must be able to seek.</param>
/// <param name="folder">The folder for a temporary file.</param>
/// <param name="vocabularySize">Number of ids.</param>
internal sealed class TokenCacheWriter(Stream stream, string folder, int vocabularySize) : IDisposable
{
    private const int BufferBytes = 1 << 16;
    private readonly byte[] _buffer = new byte[BufferBytes];

    // In the file, the rows' ends come after the tokens, so a temporary file holds them until all tokens are written.
    private readonly FileStream _rowEnds = TemporaryFile.Create(folder);
    private TokenCacheHeader _header = new(vocabularySize, 0, 0, "", "");

    /// <summary>Tokens written so far.</summary>
    public long TokenCount => _header.TokenCount;

    /// <summary>Writes the tokens of the next row.</summary>
    /// <param name="row">The row's number in the source, for the message.</param>
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

    /// <summary>Writes the rows' ends and the header, which need the whole cache.</summary>
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
