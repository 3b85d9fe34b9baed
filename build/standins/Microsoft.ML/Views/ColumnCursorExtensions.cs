namespace Microsoft.ML.Data;

public static class ColumnCursorExtensions
{
    public static IEnumerable<T> GetColumn<T>(this IDataView data, string columnName)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentException.ThrowIfNullOrEmpty(columnName);
        return data.GetColumn<T>(data.Schema.GetColumnOrNull(columnName)
            ?? throw Errors.SchemaMismatch(nameof(columnName), "input", columnName));
    }

    public static IEnumerable<T> GetColumn<T>(this IDataView data, DataViewSchema.Column column)
    {
        ArgumentNullException.ThrowIfNull(data);
        var type = column.Type;
        if (typeof(T) == type.RawType)
            return Direct<T>(data, column);
        if (typeof(T) == typeof(string) && type is TextDataViewType)
            return (IEnumerable<T>)Direct<ReadOnlyMemory<char>>(data, column).Select(t => t.ToString());
        if (typeof(T) == typeof(string[]) && type is VectorDataViewType { ItemType: TextDataViewType })
            return (IEnumerable<T>)Direct<VBuffer<ReadOnlyMemory<char>>>(data, column)
                .Select(v => v.DenseValues().Select(t => t.ToString()).ToArray());
        if (typeof(T).IsArray && type is VectorDataViewType vector && vector.ItemType.RawType == typeof(T).GetElementType())
            return (IEnumerable<T>)TypeMap.Call(typeof(ColumnCursorExtensions), nameof(Arrays), [vector.ItemType.RawType], data, column);
        throw new InvalidOperationException($"Could not map a data view column '{column.Name}' of type {type} to {typeof(T)}.");
    }

    private static IEnumerable<T> Direct<T>(IDataView data, DataViewSchema.Column column)
    {
        using var cursor = data.GetRowCursor([column]);
        var getter = cursor.GetGetter<T>(column);
        while (cursor.MoveNext())
        {
            T value = default;
            getter(ref value);
            yield return value;
        }
    }

    private static IEnumerable<TItem[]> Arrays<TItem>(IDataView data, DataViewSchema.Column column) =>
        Direct<VBuffer<TItem>>(data, column).Select(v => v.DenseValues().ToArray());
}
