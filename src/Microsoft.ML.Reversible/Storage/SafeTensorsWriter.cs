using System.Buffers.Binary;
using System.Text.Json;

namespace Microsoft.ML.Reversible.Storage;

/// <summary>A tensor to be written.</summary>
/// <param name="Name">Its name, unique in the file.</param>
/// <param name="Dtype">The format's name of its element type, such as "F32".</param>
/// <param name="Shape">Its sizes; none for a scalar.</param>
/// <param name="Write">Writes its elements, row-major and little-endian.</param>
internal sealed record SafeTensorSource(string Name, string Dtype, IReadOnlyList<long> Shape, Action<Stream> Write)
{
    public SafeTensorSource(string name, string dtype, IReadOnlyList<long> shape, ReadOnlyMemory<byte> bytes)
        : this(name, dtype, shape, stream => stream.Write(bytes.Span))
    {
    }
}

/// <summary>Writes the safetensors format: a header's length, the header as JSON, then the tensors' bytes in the order given.</summary>
internal static class SafeTensorsWriter
{
    /// <summary>Writes a file completely or not at all.</summary>
    /// <exception cref="IOException">The file could not be written; an old one is unchanged.</exception>
    public static void Write(string path, IReadOnlyList<SafeTensorSource> tensors, IReadOnlyDictionary<string, string>? metadata = null)
        => AtomicFile.Write(path, stream => Write(stream, tensors, metadata));

    /// <summary>Writes to a stream, one tensor after the other.</summary>
    /// <exception cref="ArgumentException">A name occurs twice or is reserved, a dtype is unknown, or a shape is impossible.</exception>
    /// <exception cref="InvalidOperationException">A tensor wrote another number of bytes than its dtype and shape need.</exception>
    public static void Write(Stream stream, IReadOnlyList<SafeTensorSource> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        byte[] header = Header(tensors, metadata);
        Span<byte> length = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)header.Length);
        stream.Write(length);
        stream.Write(header);
        foreach (SafeTensorSource tensor in tensors)
        {
            long expected = SafeTensorInfo.ByteCount(tensor.Dtype, tensor.Shape);
            using var counted = new CountingStream(stream);
            tensor.Write(counted);
            if (counted.Length != expected)
                throw new InvalidOperationException($"Tensor '{tensor.Name}' wrote {counted.Length} bytes, not {expected}.");
        }
    }

    private static byte[] Header(IReadOnlyList<SafeTensorSource> tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            if (metadata is { Count: > 0 })
            {
                json.WriteStartObject(SafeTensorsHeader.MetadataName);
                foreach ((string key, string value) in metadata)
                    json.WriteString(key, value);
                json.WriteEndObject();
            }
            WriteTensors(json, tensors);
            json.WriteEndObject();
        }

        // The data begins at a multiple of eight, so that every element type is aligned when the file is mapped into memory.
        while (buffer.Length % sizeof(ulong) != 0)
            buffer.WriteByte((byte)' ');
        if (buffer.Length > SafeTensorsHeader.MaxLength)
            throw new ArgumentException($"The header takes {buffer.Length} bytes, above {SafeTensorsHeader.MaxLength}.", nameof(tensors));
        return buffer.ToArray();
    }

    private static void WriteTensors(Utf8JsonWriter json, IReadOnlyList<SafeTensorSource> tensors)
    {
        var names = new HashSet<string> { SafeTensorsHeader.MetadataName };
        long offset = 0;
        foreach (SafeTensorSource tensor in tensors)
        {
            if (!names.Add(tensor.Name))
                throw new ArgumentException($"The tensor name '{tensor.Name}' occurs twice or is reserved.", nameof(tensors));
            long length = SafeTensorInfo.ByteCount(tensor.Dtype, tensor.Shape);
            if (SafeTensorInfo.ItemSize(tensor.Dtype) == 0 || length < 0)
                throw new ArgumentException($"Tensor '{tensor.Name}' has an unknown dtype or an impossible shape.", nameof(tensors));

            json.WriteStartObject(tensor.Name);
            json.WriteString("dtype", tensor.Dtype);
            WriteNumbers(json, "shape", tensor.Shape);
            WriteNumbers(json, "data_offsets", [offset, checked(offset + length)]);
            json.WriteEndObject();
            offset += length;
        }
    }

    private static void WriteNumbers(Utf8JsonWriter json, string name, IReadOnlyList<long> numbers)
    {
        json.WriteStartArray(name);
        foreach (long number in numbers)
            json.WriteNumberValue(number);
        json.WriteEndArray();
    }

    /// <summary>Counts the bytes that are written to a stream, which it leaves open.</summary>
    private sealed class CountingStream(Stream inner) : Stream
    {
        private long _count;

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => _count;

        public override long Position
        {
            get => _count;
            set => throw new NotSupportedException();
        }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            inner.Write(buffer);
            _count += buffer.Length;
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Flush() => inner.Flush();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
