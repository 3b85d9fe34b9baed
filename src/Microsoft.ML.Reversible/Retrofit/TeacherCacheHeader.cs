using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Microsoft.ML.Reversible.Retrofit;

/// <summary>
/// The header of a teacher's cache, which describes its content and layout. The reader knows all of it in advance, so a file is the
/// expected one if it begins with the same bytes: magic (8 bytes), version, k, bytes per value (4 each), vocabulary size, context, windows
/// (8 each), temperature (8), the SHA-256 hashes of the teacher and of the windows' description (32 each), little endian.
/// </summary>
/// <param name="TeacherHash">The teacher's hash, 64 hexadecimal digits.</param>
/// <param name="WindowsIdentity">Describes everything that decides the windows.</param>
/// <param name="VocabularySize">The teacher's vocabulary size.</param>
/// <param name="Context">The number of positions in a window.</param>
/// <param name="Windows">The number of windows.</param>
/// <param name="K">The number of tokens stored per position, at most the vocabulary size.</param>
/// <param name="Temperature">The divisor of the teacher's logits.</param>
/// <param name="ValueBytes">2 for float16 log-probabilities, 4 for float32.</param>
internal sealed record TeacherCacheHeader(
    string TeacherHash, string WindowsIdentity, int VocabularySize, int Context, long Windows, int K, double Temperature, int ValueBytes)
{
    /// <summary>The number of bytes of the header.</summary>
    public const int Length = 52 + 2 * SHA256.HashSizeInBytes;

    private const int Version = 1;

    // Close to the smallest float16. Its exponential is 0 in every type.
    private const float SmallestLogProbability = -60000;

    /// <summary>The first bytes of every such file.</summary>
    public static ReadOnlySpan<byte> Magic => "RevTeach"u8;

    /// <summary>The number of log-probabilities per position.</summary>
    public int Classes => K < VocabularySize ? K + 1 : K;

    /// <summary>The number of ids of a window.</summary>
    public int WindowIds => checked(Context * K);

    /// <summary>The number of log-probabilities of a window.</summary>
    public int WindowValues => checked(Context * Classes);

    /// <summary>The number of bytes of a window.</summary>
    public int WindowBytes => checked(WindowIds * IdBytes + WindowValues * ValueBytes);

    /// <summary>The number of bytes of the whole file.</summary>
    public long FileLength => checked(Length + Windows * WindowBytes);

    private int IdBytes => VocabularySize <= 1 << 16 ? sizeof(ushort) : sizeof(uint);

    /// <summary>Returns the position of a window in the file.</summary>
    public long Position(long window) => window >= 0 && window < Windows
        ? Length + window * WindowBytes
        : throw new ArgumentOutOfRangeException(nameof(window), window, $"The teacher's cache has {Windows} windows.");

    /// <summary>Returns the header as bytes.</summary>
    public byte[] ToBytes()
    {
        var bytes = new byte[Length];
        Magic.CopyTo(bytes);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(8), Version);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(12), K);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(16), ValueBytes);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(20), VocabularySize);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(28), Context);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(36), Windows);
        BinaryPrimitives.WriteDoubleLittleEndian(bytes.AsSpan(44), Temperature);
        Convert.FromHexString(TeacherHash).CopyTo(bytes, 52);
        SHA256.HashData(Encoding.UTF8.GetBytes(WindowsIdentity), bytes.AsSpan(52 + SHA256.HashSizeInBytes));
        return bytes;
    }

    /// <summary>Writes a window as bytes.</summary>
    public void Encode(ReadOnlySpan<long> ids, ReadOnlySpan<float> logProbabilities, Span<byte> bytes)
    {
        foreach (long id in ids)
        {
            if (IdBytes == sizeof(ushort)) BinaryPrimitives.WriteUInt16LittleEndian(bytes, (ushort)id);
            else BinaryPrimitives.WriteUInt32LittleEndian(bytes, (uint)id);
            bytes = bytes[IdBytes..];
        }
        foreach (float value in logProbabilities)
        {
            float bounded = Math.Max(value, SmallestLogProbability);
            if (ValueBytes == 2) BinaryPrimitives.WriteHalfLittleEndian(bytes, (Half)bounded);
            else BinaryPrimitives.WriteSingleLittleEndian(bytes, bounded);
            bytes = bytes[ValueBytes..];
        }
    }

    /// <summary>Reads a window from its bytes.</summary>
    public void Decode(ReadOnlySpan<byte> bytes, Span<long> ids, Span<float> logProbabilities)
    {
        foreach (ref long id in ids)
        {
            id = IdBytes == sizeof(ushort)
                ? BinaryPrimitives.ReadUInt16LittleEndian(bytes)
                : BinaryPrimitives.ReadUInt32LittleEndian(bytes);
            bytes = bytes[IdBytes..];
        }
        foreach (ref float value in logProbabilities)
        {
            value = ValueBytes == 2
                ? (float)BinaryPrimitives.ReadHalfLittleEndian(bytes)
                : BinaryPrimitives.ReadSingleLittleEndian(bytes);
            bytes = bytes[ValueBytes..];
        }
    }
}
