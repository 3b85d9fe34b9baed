using System.Buffers.Binary;
using System.IO.MemoryMappedFiles;
using Microsoft.Win32.SafeHandles;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Storage;

/// <summary>
/// A safetensors file opened for reading. The header is read and checked when the file is opened. Tensors are read through a memory map
/// when they are asked for, and several threads may read at once.
/// </summary>
/// <remarks>
/// Only the piece that is being read is mapped, so that the file's pages do not add to the memory of the model that it is read into.
/// </remarks>
internal sealed class SafeTensorsFile : IDisposable
{
    private const int LengthBytes = 8;
    private const int BufferSize = 1 << 20;
    private readonly string _path;
    private readonly SafeFileHandle _handle;
    private readonly MemoryMappedFile _map;
    private readonly SafeTensorsHeader _header;
    private readonly long _dataStart;
    private readonly bool _ownsHandle;

    private SafeTensorsFile(string path, SafeFileHandle handle, long offset, long fileLength, bool ownsHandle)
    {
        _path = path;
        _handle = handle;
        _ownsHandle = ownsHandle;
        Span<byte> start = stackalloc byte[(int)Math.Min(fileLength, FileStart.Length)];
        ReadAt(offset, start);
        if (FileStart.Fault(start) is { } fault) throw SafeTensorsHeader.Error(path, fault + ".");
        if (fileLength < LengthBytes)
            throw SafeTensorsHeader.Error(path, $"it has only {fileLength} bytes.");

        ulong headerLength = BinaryPrimitives.ReadUInt64LittleEndian(start);
        if (headerLength > SafeTensorsHeader.MaxLength)
            throw SafeTensorsHeader.Error(path, $"its header claims {headerLength} bytes; {SafeTensorsHeader.MaxLength} are allowed.");
        if ((long)headerLength > fileLength - LengthBytes)
        {
            throw SafeTensorsHeader.Error(
                path, $"its header claims {headerLength} bytes; the file has {fileLength}. {SafeTensorsHeader.CutShort}");
        }

        var json = new byte[headerLength];
        ReadAt(offset + LengthBytes, json);
        _dataStart = offset + LengthBytes + (long)headerLength;
        _header = SafeTensorsHeader.Parse(path, json, fileLength - LengthBytes - (long)headerLength);
        _map = MemoryMappedFile.CreateFromFile(
            handle, mapName: null, capacity: 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
    }

    /// <summary>The tensors' names in the order of their data.</summary>
    public IReadOnlyList<string> Names => _header.Names;

    /// <summary>The metadata of the header: free-form texts.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _header.Metadata;

    /// <summary>Opens a file and checks its header.</summary>
    /// <exception cref="InvalidDataException">The file breaks a rule of the format; the message names the file and the tensor.</exception>
    /// <exception cref="IOException">The file could not be read.</exception>
    public static SafeTensorsFile Open(string path)
    {
        SafeFileHandle handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        try
        {
            return new SafeTensorsFile(path, handle, offset: 0, RandomAccess.GetLength(handle), ownsHandle: true);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Opens a file that lies uncompressed inside another one, such as a zip, and checks its header.</summary>
    /// <param name="path">Its name, for messages.</param>
    /// <param name="handle">The other file, which is left open.</param>
    /// <param name="offset">Where it begins.</param>
    /// <param name="length">Its bytes.</param>
    /// <exception cref="InvalidDataException">The file breaks a rule of the format; the message names the file and the tensor.</exception>
    public static SafeTensorsFile OpenInside(string path, SafeFileHandle handle, long offset, long length) =>
        offset + length <= RandomAccess.GetLength(handle)
            ? new SafeTensorsFile(path, handle, offset, length, ownsHandle: false)
            : throw SafeTensorsHeader.Error(path, SafeTensorsHeader.CutShort);

    public bool Contains(string name) => _header.Tensors.ContainsKey(name);

    /// <exception cref="InvalidDataException">The file has no tensor of this name.</exception>
    public SafeTensorInfo Info(string name)
        => _header.Tensors.TryGetValue(name, out SafeTensorInfo? info) ? info : throw Error(name, "is missing.");

    /// <summary>Reads a tensor's bytes into a span of exactly their number.</summary>
    public void Read(string name, Span<byte> destination)
    {
        SafeTensorInfo info = Info(name);
        if (destination.Length != info.Length)
            throw new ArgumentException($"Tensor '{name}' takes {info.Length} bytes, not {destination.Length}.", nameof(destination));
        ReadMapped(_dataStart + info.Offset, destination);
    }

    /// <summary>Copies a tensor's bytes to a stream.</summary>
    public void CopyTo(string name, Stream destination)
    {
        using Stream source = OpenRead(name);
        source.CopyTo(destination, BufferSize);
    }

    /// <summary>Opens a stream of one tensor's bytes, which can be read until this file is disposed of.</summary>
    public Stream OpenRead(string name)
    {
        SafeTensorInfo info = Info(name);
        return new TensorStream(this, _dataStart + info.Offset, info.Length);
    }

    /// <summary>Makes an exception that names this file and the tensor.</summary>
    public InvalidDataException Error(string tensor, string what) => new($"In '{_path}' tensor '{tensor}' {what}");

    public void Dispose()
    {
        _map.Dispose();
        if (_ownsHandle) _handle.Dispose();
    }

    private void ReadMapped(long position, Span<byte> destination)
    {
        if (destination.IsEmpty) return;

        // Reading a mapped page beyond the end of the file ends the process, so a file that was cut short meanwhile is refused here.
        if (RandomAccess.GetLength(_handle) < position + destination.Length) throw BecameShorter();
        using MemoryMappedViewStream view = _map.CreateViewStream(position, destination.Length, MemoryMappedFileAccess.Read);
        view.ReadExactly(destination);
    }

    private void ReadAt(long position, Span<byte> destination)
    {
        while (!destination.IsEmpty)
        {
            int count = RandomAccess.Read(_handle, destination, position);
            if (count == 0) throw BecameShorter();
            destination = destination[count..];
            position += count;
        }
    }

    private InvalidDataException BecameShorter() => SafeTensorsHeader.Error(_path, "it became shorter while it was read.");

    private sealed class TensorStream(SafeTensorsFile file, long start, long length) : Stream
    {
        private long _position;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => length;

        public override long Position
        {
            get => _position;
            set => throw new NotSupportedException();
        }

        // Reads all bytes that there are, because some readers take a short read for the end.
        public override int Read(Span<byte> buffer)
        {
            int count = (int)Math.Min(buffer.Length, length - _position);
            file.ReadMapped(start + _position, buffer[..count]);
            _position += count;
            return count;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}

/// <summary>
/// Converts tensors between TorchSharp and the safetensors format, some rows at a time, so that a conversion or a copy from a device needs
/// little memory in addition to the tensor itself.
/// </summary>
internal static class TensorStorage
{
    private const int PieceBytes = 8 << 20;
    private const int CompareBytes = 1 << 20;

    /// <summary>Returns the format's name of an element type.</summary>
    /// <exception cref="NotSupportedException">The format has none.</exception>
    public static string DtypeName(ScalarType type) => type switch
    {
        ScalarType.Byte => "U8",
        ScalarType.Int8 => "I8",
        ScalarType.Int16 => "I16",
        ScalarType.Int32 => "I32",
        ScalarType.Int64 => "I64",
        ScalarType.Float16 => "F16",
        ScalarType.BFloat16 => "BF16",
        ScalarType.Float32 => "F32",
        ScalarType.Float64 => "F64",
        ScalarType.Bool => "BOOL",
        ScalarType.ComplexFloat32 => "C64",
        _ => throw new NotSupportedException($"The safetensors format has no type for {type}."),
    };

    /// <summary>Returns a tensor to be written, in its own element type or another, to which it is converted while it is written.</summary>
    public static SafeTensorSource Source(string name, Tensor tensor, ScalarType? type = null) =>
        new(name, DtypeName(type ?? tensor.dtype), tensor.shape, stream => Write(name, tensor, type ?? tensor.dtype, stream));

    /// <summary>Reads a tensor onto the CPU with the element type it is stored in.</summary>
    /// <exception cref="InvalidDataException">There is no such tensor, or TorchSharp has no such element type.</exception>
    public static Tensor Read(SafeTensorsFile file, string name)
    {
        SafeTensorInfo info = file.Info(name);
        using var scope = NewDisposeScope();
        Tensor tensor = empty(info.Shape.ToArray(), dtype: TypeOf(file, info), device: CPU);
        ReadInto(file, name, tensor);
        return tensor.MoveToOuterDisposeScope();
    }

    /// <summary>Reads a tensor into an existing one of the same shape, on any device and of any element type.</summary>
    /// <remarks>
    /// The shapes are compared here because TorchSharp's copy broadcasts: one value would silently fill a whole weight.
    /// </remarks>
    /// <exception cref="InvalidDataException">
    /// There is no such tensor, or it has another shape, or TorchSharp has no such element type.
    /// </exception>
    public static void ReadInto(SafeTensorsFile file, string name, Tensor destination)
    {
        SafeTensorInfo info = file.Info(name);
        ScalarType type = TypeOf(file, info);
        if (!info.Shape.SequenceEqual(destination.shape))
            throw file.Error(name, $"has the shape {Show(info.Shape)}; the model needs {Show(destination.shape)}.");
        if (info.Length == 0) return;

        using Stream stream = file.OpenRead(name);
        foreach ((long first, long rows) in Pieces(info.Shape, info.Length))
        {
            using var scope = NewDisposeScope();
            using var noGrad = no_grad();
            Tensor part = info.Shape.Count == 0 ? destination : destination.narrow(0, first, rows);
            Tensor stored = empty(part.shape, dtype: type, device: CPU);
            stream.ReadExactly(stored.bytes);
            part.copy_(stored);
        }
    }

    /// <summary>Returns whether two tensors have the same element type, shape and bytes.</summary>
    public static bool AreSame(SafeTensorsFile file, string name, SafeTensorsFile otherFile, string otherName)
    {
        (SafeTensorInfo info, SafeTensorInfo other) = (file.Info(name), otherFile.Info(otherName));
        if (info.Dtype != other.Dtype || !info.Shape.SequenceEqual(other.Shape)) return false;
        using Stream stream = file.OpenRead(name), otherStream = otherFile.OpenRead(otherName);
        byte[] bytes = new byte[CompareBytes], otherBytes = new byte[CompareBytes];
        while (stream.Read(bytes) is var count and > 0)
        {
            otherStream.ReadExactly(otherBytes, 0, count);
            if (!bytes.AsSpan(0, count).SequenceEqual(otherBytes.AsSpan(0, count))) return false;
        }
        return true;
    }

    private static void Write(string name, Tensor tensor, ScalarType type, Stream stream)
    {
        if (tensor.NumberOfElements == 0) return;
        long bytes = SafeTensorInfo.ByteCount(DtypeName(type), tensor.shape);
        foreach ((long first, long rows) in Pieces(tensor.shape, bytes))
        {
            using var scope = NewDisposeScope();
            using var noGrad = no_grad();
            Tensor part = (tensor.dim() == 0 ? tensor : tensor.narrow(0, first, rows)).detach();
            Tensor stored = part.to(type).cpu().contiguous();
            if (type == ScalarType.Float16 && part.dtype != type) CheckRange(name, part, stored);
            stream.Write(stored.bytes);
        }
    }

    /// <summary>Refuses weights beyond half precision's 65,504, which would be read as infinity.</summary>
    private static void CheckRange(string name, Tensor values, Tensor stored)
    {
        if (stored.isinf().sum().item<long>() != values.isinf().sum().item<long>())
            throw new InvalidOperationException(
                $"Tensor '{name}' holds values beyond float16's 65,504. Store the model as bfloat16 or float32.");
    }

    /// <summary>Splits the first dimension into ranges of about <see cref="PieceBytes"/> each.</summary>
    private static IEnumerable<(long First, long Rows)> Pieces(IReadOnlyList<long> shape, long bytes)
    {
        long total = shape.Count == 0 ? 1 : shape[0];
        long most = Math.Max(1, PieceBytes / (bytes / total));
        for (long first = 0; first < total; first += most) yield return (first, Math.Min(most, total - first));
    }

    private static string Show(IEnumerable<long> shape) => $"[{string.Join(", ", shape)}]";

    private static ScalarType TypeOf(SafeTensorsFile file, SafeTensorInfo info) => info.Dtype switch
    {
        "U8" => ScalarType.Byte,
        "I8" => ScalarType.Int8,
        "I16" => ScalarType.Int16,
        "I32" => ScalarType.Int32,
        "I64" => ScalarType.Int64,
        "F16" => ScalarType.Float16,
        "BF16" => ScalarType.BFloat16,
        "F32" => ScalarType.Float32,
        "F64" => ScalarType.Float64,
        "BOOL" => ScalarType.Bool,
        "C64" => ScalarType.ComplexFloat32,
        _ => throw file.Error(info.Name, $"has the dtype {info.Dtype}, which TorchSharp lacks. Convert the file to F32, F16 or BF16."),
    };
}
