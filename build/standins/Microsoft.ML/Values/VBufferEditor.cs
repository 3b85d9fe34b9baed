namespace Microsoft.ML.Data;

public static class VBufferEditor
{
    public static VBufferEditor<T> CreateFromBuffer<T>(ref VBuffer<T> destination) =>
        Create(ref destination, destination.Length, destination.Count, keepOldOnResize: true);

    public static VBufferEditor<T> Create<T>(ref VBuffer<T> destination, int newLogicalLength, int? valuesCount = null,
        int? maxValuesCapacity = null, bool keepOldOnResize = false, bool requireIndicesOnDense = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(newLogicalLength);
        var count = valuesCount ?? newLogicalLength;
        if (count < 0 || count > newLogicalLength)
            throw new ArgumentOutOfRangeException(nameof(valuesCount));
        var values = Reserve(destination.ValueStore, count, keepOldOnResize);
        var needsIndices = count < newLogicalLength || requireIndicesOnDense;
        var indices = needsIndices ? Reserve(destination.IndexStore, count, keepOldOnResize) : destination.IndexStore;
        return new VBufferEditor<T>(newLogicalLength, count, values, indices, needsIndices,
            !ReferenceEquals(values, destination.ValueStore), needsIndices && !ReferenceEquals(indices, destination.IndexStore));
    }

    private static T[] Reserve<T>(T[] store, int count, bool keepOld)
    {
        if (store is not null && store.Length >= count)
            return store;
        var larger = new T[count];
        if (keepOld)
            store?.CopyTo(larger, 0);
        return larger;
    }
}

public readonly ref struct VBufferEditor<T>
{
    public readonly Span<T> Values;
    public readonly Span<int> Indices;

    private readonly int _length;
    private readonly T[] _values;
    private readonly int[] _indices;

    internal VBufferEditor(int length, int count, T[] values, int[] indices, bool needsIndices, bool newValues, bool newIndices)
    {
        _length = length;
        _values = values;
        _indices = indices;
        Values = values.AsSpan(0, count);
        Indices = needsIndices ? indices.AsSpan(0, count) : default;
        CreatedNewValues = newValues;
        CreatedNewIndices = newIndices;
    }

    public bool CreatedNewValues { get; }

    public bool CreatedNewIndices { get; }

    public VBuffer<T> Commit() => new(_length, Values.Length, _values, _indices);

    public VBuffer<T> CommitTruncated(int physicalValuesCount) => new(_length, physicalValuesCount, _values, _indices);
}
