using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Microsoft.ML.Reversible.Data;

/// <summary>What a token cache says of itself, at the start of its file.</summary>
/// <remarks>
/// Little endian: magic (8 bytes), version and bytes a token (4 each), vocabulary size, tokens, rows (8 each), the source's SHA-256 (32),
/// length of the tokenizer's hash (4) and the hash (UTF-8, 148 with zeros after it), SHA-256 of all that (32). The tokens follow, then
/// zeros up to a multiple of 8 bytes, then the end of every row in tokens, 8 bytes each.
/// </remarks>
/// <param name="VocabularySize">Number of ids, at least 1.</param>
/// <param name="TokenCount">Number of tokens, at least 1.</param>
/// <param name="RowCount">Number of rows, each of at least one token.</param>
/// <param name="SourceHash">SHA-256 of the rows that the tokens were made of, 64 hexadecimal digits.</param>
/// <param name="TokenizerHash">Names the tokenizer, at most 148 bytes of UTF-8.</param>
internal sealed record TokenCacheHeader(int VocabularySize, long TokenCount, long RowCount, string SourceHash, string TokenizerHash)
{
    /// <summary>Bytes that the header takes.</summary>
    public const int Length = Checksum + SHA256.HashSizeInBytes;

    private const int Version = 1;
    private const int HashText = 76;
    private const int Checksum = HashText + MaxTokenizerHash;
    private const int MaxTokenizerHash = 148;

    private static ReadOnlySpan<byte> Magic => "RevToken"u8;

    /// <summary>Bytes that a token takes: two where every id fits in them.</summary>
    public int TokenWidth => VocabularySize <= 1 << 16 ? sizeof(ushort) : sizeof(uint);

    /// <summary>Where the row ends begin.</summary>
    public long RowsOffset => Length + (TokenCount * TokenWidth + 7) / 8 * 8;

    /// <summary>Bytes of the whole file.</summary>
    public long FileLength => RowsOffset + RowCount * sizeof(long);

    /// <summary>The header as bytes.</summary>
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

    /// <summary>Reads a header; null, and what is wrong, where it is none of a file of that length.</summary>
    public static TokenCacheHeader? Parse(ReadOnlySpan<byte> bytes, long fileLength, out string error)
    {
        error = "";
        if (bytes.Length < Length) error = $"it has only {bytes.Length} bytes";
        else if (!bytes.StartsWith(Magic)) error = "it does not begin as a token cache does";
        else if (BinaryPrimitives.ReadInt32LittleEndian(bytes[8..]) is var version and not Version)
            error = $"it is of version {version}, not {Version}";
        else if (!SHA256.HashData(bytes[..Checksum]).AsSpan().SequenceEqual(bytes[Checksum..Length])) error = "its header is damaged";
        if (error.Length > 0) return null;

        long vocabulary = BinaryPrimitives.ReadInt64LittleEndian(bytes[16..]);
        long tokens = BinaryPrimitives.ReadInt64LittleEndian(bytes[24..]);
        long rows = BinaryPrimitives.ReadInt64LittleEndian(bytes[32..]);
        int tokenizerLength = BinaryPrimitives.ReadInt32LittleEndian(bytes[72..]);

        // The checksum only tells of accidents; these bounds keep the products below from overflowing whatever the file says.
        bool bounded = vocabulary is >= 1 and <= int.MaxValue && tokens >= 1 && rows >= 1 && rows <= tokens && tokens <= fileLength
            && tokenizerLength is >= 0 and <= MaxTokenizerHash;
        if (bounded)
        {
            var header = new TokenCacheHeader((int)vocabulary, tokens, rows, Convert.ToHexString(bytes[40..72]),
                Encoding.UTF8.GetString(bytes.Slice(HashText, tokenizerLength)));
            if (header.TokenWidth == BinaryPrimitives.ReadInt32LittleEndian(bytes[12..]) && header.FileLength == fileLength) return header;
        }
        error = $"its {fileLength} bytes are not those that its header tells of";
        return null;
    }
}
