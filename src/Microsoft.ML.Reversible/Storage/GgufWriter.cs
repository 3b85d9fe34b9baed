using System.Text;

namespace Microsoft.ML.Reversible.Storage;

/// <summary>A tensor of a GGUF file.</summary>
/// <param name="Name">Its name, unique in the file.</param>
/// <param name="Type">The type of its elements.</param>
/// <param name="Shape">Its sizes, the slowest first, as in PyTorch; the file has them in the reverse order.</param>
/// <param name="Write">Writes its elements, row-major and little-endian.</param>
internal sealed record GgufTensor(string Name, GgufType Type, IReadOnlyList<long> Shape, Action<Stream> Write)
{
    /// <summary>The size of the elements, bytes.</summary>
    public long Bytes => Shape.Aggregate(Type == GgufType.F32 ? 4L : 2, (bytes, size) => checked(bytes * size));
}

/// <summary>Element types of GGUF tensors, with their numbers in the file.</summary>
internal enum GgufType
{
    /// <summary>float32.</summary>
    F32 = 0,

    /// <summary>float16.</summary>
    F16 = 1,

    /// <summary>bfloat16.</summary>
    BF16 = 30,
}

/// <summary>
/// Writes the GGUF format, version 3: a header with metadata and the tensors' shapes, and then the tensors' bytes, each aligned.
/// </summary>
/// <remarks>The format is described in https://github.com/ggml-org/ggml/blob/master/docs/gguf.md.</remarks>
internal static class GgufWriter
{
    /// <summary>Tensors begin at multiples of this number of bytes, the format's default.</summary>
    private const int Alignment = 32;

    private const uint Version = 3;

    /// <summary>Writes a file completely or not at all.</summary>
    /// <param name="path">The file.</param>
    /// <param name="metadata">
    /// The keys and values: a uint, int, float, bool or string, or an array of strings, floats or ints.
    /// </param>
    /// <param name="tensors">The tensors.</param>
    /// <exception cref="IOException">The file cannot be written; an old one is unchanged.</exception>
    /// <exception cref="InvalidOperationException">A tensor wrote another number of bytes than its shape needs.</exception>
    public static void Write(string path, IReadOnlyList<(string Key, object Value)> metadata, IReadOnlyList<GgufTensor> tensors) =>
        AtomicFile.Write(path, stream => Write(stream, metadata, tensors));

    private static void Write(Stream stream, IReadOnlyList<(string Key, object Value)> metadata, IReadOnlyList<GgufTensor> tensors)
    {
        using (var header = new BinaryWriter(stream, Encoding.UTF8, leaveOpen: true))
        {
            header.Write("GGUF"u8);
            header.Write(Version);
            header.Write((ulong)tensors.Count);
            header.Write((ulong)metadata.Count);
            foreach ((string key, object value) in metadata) WriteEntry(header, key, value);
            long offset = 0;
            foreach (GgufTensor tensor in tensors)
            {
                WriteString(header, tensor.Name);
                header.Write((uint)tensor.Shape.Count);
                foreach (long size in tensor.Shape.Reverse()) header.Write((ulong)size);
                header.Write((uint)tensor.Type);
                header.Write((ulong)offset);
                offset += Aligned(tensor.Bytes);
            }
        }
        Pad(stream);
        foreach (GgufTensor tensor in tensors)
        {
            long start = stream.Position;
            tensor.Write(stream);
            if (stream.Position - start != tensor.Bytes)
                throw new InvalidOperationException(
                    $"Tensor '{tensor.Name}' wrote {stream.Position - start} bytes, not {tensor.Bytes}.");
            Pad(stream);
        }
    }

    private static long Aligned(long bytes) => (bytes + Alignment - 1) / Alignment * Alignment;

    private static void Pad(Stream stream)
    {
        Span<byte> zeros = stackalloc byte[Alignment];
        zeros.Clear();
        stream.Write(zeros[..(int)(Aligned(stream.Position) - stream.Position)]);
    }

    private static void WriteEntry(BinaryWriter writer, string key, object value)
    {
        WriteString(writer, key);
        if (value is Array array)
        {
            writer.Write((uint)ValueType.Array);
            writer.Write((uint)TypeOf(array.GetType().GetElementType()!));
            writer.Write((ulong)array.Length);
            foreach (object item in array) WriteValue(writer, item);
            return;
        }
        writer.Write((uint)TypeOf(value.GetType()));
        WriteValue(writer, value);
    }

    private static ValueType TypeOf(Type type) =>
        type == typeof(uint) ? ValueType.UInt32
        : type == typeof(int) ? ValueType.Int32
        : type == typeof(float) ? ValueType.Float32
        : type == typeof(bool) ? ValueType.Bool
        : type == typeof(string) ? ValueType.String
        : throw new ArgumentException($"GGUF metadata cannot hold {type}.");

    private static void WriteValue(BinaryWriter writer, object value)
    {
        switch (value)
        {
            case uint number: writer.Write(number); break;
            case int number: writer.Write(number); break;
            case float number: writer.Write(number); break;
            case bool flag: writer.Write(flag); break;
            default: WriteString(writer, (string)value); break;
        }
    }

    private static void WriteString(BinaryWriter writer, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        writer.Write((ulong)bytes.Length);
        writer.Write(bytes);
    }

    private enum ValueType : uint
    {
        UInt32 = 4,
        Int32 = 5,
        Float32 = 6,
        Bool = 7,
        String = 8,
        Array = 9,
    }
}
