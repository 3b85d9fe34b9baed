namespace Microsoft.ML.Data;

public readonly struct VBuffer<T>
{
    public readonly int Length;

    private readonly int _count;
    private readonly T[] _values;
    private readonly int[] _indices;

    public VBuffer(int length, T[] values, int[] indices = null) : this(length, length, values, indices, length)
    {
        if ((values?.Length ?? 0) < length)
            throw new ArgumentOutOfRangeException(nameof(values));
    }

    public VBuffer(int length, int count, T[] values, int[] indices) : this(length, count, values, indices, count)
    {
        if (count < 0 || count > length)
            throw new ArgumentOutOfRangeException(nameof(count));
        if ((values?.Length ?? 0) < count)
            throw new ArgumentOutOfRangeException(nameof(values));
        if (count < length && (indices?.Length ?? 0) < count)
            throw new ArgumentOutOfRangeException(nameof(indices));
    }

    private VBuffer(int length, int count, T[] values, int[] indices, int _)
    {
        if (length < 0)
            throw new ArgumentOutOfRangeException(nameof(length));
        Length = length;
        _count = count;
        _values = values;
        _indices = indices;
    }

    public bool IsDense => _count == Length;

    internal T[] ValueStore => _values;

    internal int[] IndexStore => _indices;

    internal int Count => _count;

    public ReadOnlySpan<T> GetValues() => _values.AsSpan(0, _count);

    public ReadOnlySpan<int> GetIndices() => IsDense ? default : _indices.AsSpan(0, _count);

    public void CopyTo(ref VBuffer<T> destination)
    {
        var editor = VBufferEditor.Create(ref destination, Length, _count);
        GetValues().CopyTo(editor.Values);
        if (!IsDense)
            GetIndices().CopyTo(editor.Indices);
        destination = editor.Commit();
    }

    public void CopyTo(ref VBuffer<T> destination, int sourceIndex, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sourceIndex);
        if (length < 0 || length > Length - sourceIndex)
            throw new ArgumentOutOfRangeException(nameof(length));
        var dense = new T[length];
        for (var i = 0; i < length; i++)
            dense[i] = GetItemOrDefault(sourceIndex + i);
        destination = new VBuffer<T>(length, dense);
    }

    public void CopyTo(Span<T> destination) => CopyTo(destination, 0);

    public void CopyTo(Span<T> destination, int destinationIndex, T defaultValue = default)
    {
        if (destinationIndex < 0 || destinationIndex > destination.Length - Length)
            throw new ArgumentOutOfRangeException(nameof(destinationIndex), "Not enough capacity in destination buffer");
        var target = destination.Slice(destinationIndex, Length);
        if (IsDense)
        {
            GetValues().CopyTo(target);
            return;
        }
        target.Fill(defaultValue);
        for (var i = 0; i < _count; i++)
            target[_indices[i]] = _values[i];
    }

    public void CopyToDense(ref VBuffer<T> destination)
    {
        var editor = VBufferEditor.Create(ref destination, Length);
        CopyTo(editor.Values);
        destination = editor.Commit();
    }

    public static void Copy(T[] source, int sourceIndex, ref VBuffer<T> destination, int length)
    {
        var editor = VBufferEditor.Create(ref destination, length);
        source.AsSpan(sourceIndex, length).CopyTo(editor.Values);
        destination = editor.Commit();
    }

    public T GetItemOrDefault(int index)
    {
        T value = default;
        GetItemOrDefault(index, ref value);
        return value;
    }

    public void GetItemOrDefault(int index, ref T destination)
    {
        if (index < 0 || index >= Length)
            throw new ArgumentOutOfRangeException(nameof(index));
        var slot = IsDense ? index : Array.BinarySearch(_indices, 0, _count, index);
        destination = slot >= 0 ? _values[slot] : default;
    }

    public IEnumerable<T> DenseValues()
    {
        for (var i = 0; i < Length; i++)
            yield return GetItemOrDefault(i);
    }

    public IEnumerable<KeyValuePair<int, T>> Items(bool all = false)
    {
        if (all || IsDense)
        {
            for (var i = 0; i < Length; i++)
                yield return new KeyValuePair<int, T>(i, GetItemOrDefault(i));
            yield break;
        }
        for (var i = 0; i < _count; i++)
            yield return new KeyValuePair<int, T>(_indices[i], _values[i]);
    }

    public override string ToString() =>
        IsDense ? $"Dense vector of size {Length}" : $"Sparse vector of size {Length}, {_count} explicit values";
}
