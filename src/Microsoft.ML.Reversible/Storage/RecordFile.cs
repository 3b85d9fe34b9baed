using System.Buffers.Binary;
using System.Numerics;

namespace Microsoft.ML.Reversible.Storage;

/// <summary>
/// Reads and writes files of records in TensorFlow's format (TFRecord). A record is the length of its data (8 bytes), a checksum of the
/// length (4), the data, and a checksum of the data (4), all little-endian.
/// </summary>
internal static class RecordFile
{
    private const int LengthBytes = 8, ChecksumBytes = 4, HeaderBytes = LengthBytes + ChecksumBytes;

    /// <summary>Appends a record to a stream in one write.</summary>
    public static void Append(Stream stream, ReadOnlySpan<byte> data)
    {
        byte[] record = new byte[HeaderBytes + data.Length + ChecksumBytes];
        BinaryPrimitives.WriteInt64LittleEndian(record, data.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(LengthBytes), Checksum(record.AsSpan(0, LengthBytes)));
        data.CopyTo(record.AsSpan(HeaderBytes));
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(HeaderBytes + data.Length), Checksum(data));
        stream.Write(record);
    }

    /// <summary>Reads the data of all records up to the first damaged one, such as one that a killed process left incomplete.</summary>
    /// <param name="file">The file's bytes.</param>
    /// <returns>The records, and the number of bytes that they take in the file.</returns>
    public static (IReadOnlyList<ReadOnlyMemory<byte>> Records, int Length) Read(ReadOnlyMemory<byte> file)
    {
        List<ReadOnlyMemory<byte>> records = [];
        int at = 0;
        while (file.Length - at >= HeaderBytes + ChecksumBytes)
        {
            ReadOnlySpan<byte> header = file.Span.Slice(at, HeaderBytes);
            long length = BinaryPrimitives.ReadInt64LittleEndian(header);
            if (BinaryPrimitives.ReadUInt32LittleEndian(header[LengthBytes..]) != Checksum(header[..LengthBytes])) break;
            if (length < 0 || length > file.Length - at - HeaderBytes - ChecksumBytes) break;
            ReadOnlyMemory<byte> data = file.Slice(at + HeaderBytes, (int)length);
            int end = at + HeaderBytes + (int)length;
            if (BinaryPrimitives.ReadUInt32LittleEndian(file.Span[end..]) != Checksum(data.Span)) break;
            records.Add(data);
            at = end + ChecksumBytes;
        }
        return (records, at);
    }

    /// <summary>Returns the CRC-32C of some bytes, rotated and shifted as the format asks.</summary>
    private static uint Checksum(ReadOnlySpan<byte> data)
    {
        uint crc = uint.MaxValue;
        foreach (byte value in data) crc = BitOperations.Crc32C(crc, value);
        return BitOperations.RotateRight(~crc, 15) + 0xa282ead8;
    }
}
