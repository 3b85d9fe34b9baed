using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Microsoft.ML.Reversible.Data;

/// <summary>A stream of tokens on disk with the borders of its rows, for reading from any place and any thread.</summary>
/// <remarks>
/// Read by position instead of mapped into memory: the operating system caches it the same, but pages do not count as this process's
/// memory, and a disk that fails or a file that is cut short gives an exception instead of ending the process.
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

    /// <summary>Names the tokenizer that made the tokens.</summary>
    public string TokenizerHash => _header.TokenizerHash;

    /// <summary>SHA-256 of the rows that the tokens were made of, 64 hexadecimal digits.</summary>
    public string SourceHash => _header.SourceHash;

    /// <summary>Whether <see cref="TokenCacheBuilder"/> found this cache made already.</summary>
    public bool WasReused { get; init; }

    /// <summary>Opens a file and checks all but the tokens themselves, which are checked as they are read.</summary>
    /// <param name="path">The file.</param>
    /// <param name="reused">The value of <see cref="WasReused"/>.</param>
    /// <exception cref="InvalidDataException">The file is no token cache, or a damaged one; the message names it.</exception>
    /// <exception cref="IOException">The file could not be read.</exception>
    public static TokenCache Open(string path, bool reused = false)
    {
        // Another process may put a new cache in this one's place meanwhile.
        SafeFileHandle handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        return Own(path, handle, handle, reused);
    }

    /// <summary>Reads a cache from a stream on a file, which it owns from here on.</summary>
    public static TokenCache FromStream(FileStream stream) => Own(stream.Name, stream.SafeFileHandle, stream, reused: false);

    /// <summary>The first token of a row; of the row after the last, <see cref="TokenCount"/>.</summary>
    public long RowStart(long row)
    {
        Span<long> start = stackalloc long[1];
        ReadRowStarts(row, start);
        return start[0];
    }

    /// <summary>The first tokens of consecutive rows, as <see cref="RowStart"/> gives them.</summary>
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
        new($"The token cache '{_name}' cannot be used: {reason}. Delete it; it is made anew when it is needed.");
}
