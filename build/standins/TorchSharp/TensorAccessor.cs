using System.Collections;
using static TorchSharp.torch;

namespace TorchSharp.Utils;

// The elements of a tensor in row-major order: its own memory on a processor, a copy of it otherwise.
public sealed class TensorAccessor<T> : IDisposable, IEnumerable<T> where T : unmanaged
{
    private readonly Tensor _tensor;
    private readonly unsafe T* _data;
    private readonly long[] _shape, _strides;
    private readonly bool _contiguous;

    internal unsafe TensorAccessor(Tensor tensor)
    {
        _tensor = tensor.device_type == DeviceType.CPU ? tensor.alias() : tensor.cpu();
        // The accessor disposes it, or the collector does; a scope may end before the accessor does.
        _tensor.DetachFromDisposeScope();
        _data = _tensor.Pointer<T>();
        _shape = _tensor.shape;
        _strides = _tensor.stride();
        _contiguous = _tensor.is_contiguous();
        Count = _tensor.NumberOfElements;
    }

    public long Count { get; }

    public bool IsReadOnly => false;

    public unsafe T this[params long[] indices]
    {
        get => _data[Offset(indices)];
        set => _data[Offset(indices)] = value;
    }

    public T[] ToArray()
    {
        var result = new T[Count];
        CopyTo(result);
        return result;
    }

    public void CopyTo(T[] array, int arrayIndex = 0, long tensorIndex = 0) => CopyTo(array.AsSpan(), arrayIndex, tensorIndex);

    public unsafe void CopyTo(Span<T> array, int arrayIndex = 0, long tensorIndex = 0)
    {
        var count = (int)Math.Min(array.Length - arrayIndex, Count - tensorIndex);
        if (_contiguous)
            new ReadOnlySpan<T>(_data + tensorIndex, count).CopyTo(array[arrayIndex..]);
        else
            for (var i = 0; i < count; i++)
                array[arrayIndex + i] = _data[Offset(tensorIndex + i)];
        GC.KeepAlive(this);
    }

    public void CopyFrom(T[] array, int arrayIndex = 0, long tensorIndex = 0) =>
        CopyFrom((ReadOnlySpan<T>)array, arrayIndex, tensorIndex);

    public unsafe void CopyFrom(ReadOnlySpan<T> array, int arrayIndex = 0, long tensorIndex = 0)
    {
        var count = (int)Math.Min(array.Length - arrayIndex, Count - tensorIndex);
        for (var i = 0; i < count; i++)
            _data[Offset(tensorIndex + i)] = array[arrayIndex + i];
        GC.KeepAlive(this);
    }

    public IEnumerator<T> GetEnumerator()
    {
        for (long i = 0; i < Count; i++)
            yield return At(i);
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public void Dispose() => _tensor.Dispose();

    private unsafe T At(long index)
    {
        var value = _data[Offset(index)];
        GC.KeepAlive(this);
        return value;
    }

    private long Offset(long[] indices)
    {
        if (indices.Length == 1 && _shape.Length != 1)
            return Offset(Checked(indices[0], Count));
        if (indices.Length != _shape.Length)
            throw new ArgumentException($"The tensor has {_shape.Length} dimensions, not {indices.Length}.");
        long offset = 0;
        for (var d = 0; d < indices.Length; d++)
            offset += Checked(indices[d], _shape[d]) * _strides[d];
        return offset;
    }

    // Where the element of a row-major position lies.
    private long Offset(long position)
    {
        if (_contiguous)
            return position;
        long offset = 0;
        for (var d = _shape.Length - 1; d >= 0; d--)
        {
            offset += position % _shape[d] * _strides[d];
            position /= _shape[d];
        }
        return offset;
    }

    private static long Checked(long index, long limit) =>
        index >= 0 && index < limit ? index : throw new IndexOutOfRangeException($"Index {index} is not below {limit}.");
}
