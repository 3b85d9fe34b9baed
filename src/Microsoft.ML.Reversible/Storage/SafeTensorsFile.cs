using System.Buffers.Binary;
using System.IO.MemoryMappedFiles;
using Microsoft.Win32.SafeHandles;

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
        if (fileLength < LengthBytes)
            throw SafeTensorsHeader.Error(path, $"it has only {fileLength} bytes.");

        Span<byte> start = stackalloc byte[LengthBytes];
        ReadAt(offset, start);
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
