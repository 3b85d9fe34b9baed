using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.MLNet;

/// <summary>Identifies a row by its id and a hash of the values that a computation reads.</summary>
/// <remarks>
/// The id alone is not enough: some sources, such as a database query without an order, number the rows of each cursor from 0 but return
/// them in another order.
/// </remarks>
/// <param name="Id">The row's id.</param>
/// <param name="Hash">The hash of the values.</param>
internal readonly record struct RowKey(DataViewRowId Id, int Hash)
{
    /// <summary>Starts reading the keys of a row or cursor in which the columns are active.</summary>
    /// <param name="row">The row or cursor.</param>
    /// <param name="columnNames">The names of the columns to hash.</param>
    public static Func<RowKey> Start(DataViewRow row, IEnumerable<string> columnNames)
    {
        ValueGetter<DataViewRowId> getId = row.GetIdGetter();
        Func<int>[] hashes = [.. columnNames.Select(name => HashOf(row, row.Schema[name]))];
        return () =>
        {
            DataViewRowId id = default;
            getId(ref id);
            var hash = default(HashCode);
            foreach (Func<int> column in hashes) hash.Add(column());
            return new(id, hash.ToHashCode());
        };
    }

    private static Func<int> HashOf(DataViewRow row, DataViewSchema.Column column)
    {
        Type type = column.Type.RawType;
        if (type == typeof(ReadOnlyMemory<char>)) return Scalar<ReadOnlyMemory<char>>(row, column, text => string.GetHashCode(text.Span));
        if (type == typeof(VBuffer<ReadOnlyMemory<char>>))
            return Vector<ReadOnlyMemory<char>>(row, column, text => string.GetHashCode(text.Span));
        if (type == typeof(VBuffer<int>)) return Vector<int>(row, column, value => value);
        if (type == typeof(VBuffer<uint>)) return Vector<uint>(row, column, value => (int)value);
        if (type == typeof(int)) return Scalar<int>(row, column, value => value);
        return () => 0;
    }

    private static Func<int> Scalar<T>(DataViewRow row, DataViewSchema.Column column, Func<T, int> hash)
    {
        ValueGetter<T> getter = row.GetGetter<T>(column);
        T value = default!;
        return () =>
        {
            getter(ref value);
            return hash(value);
        };
    }

    private static Func<int> Vector<T>(DataViewRow row, DataViewSchema.Column column, Func<T, int> hashOf)
    {
        ValueGetter<VBuffer<T>> getter = row.GetGetter<VBuffer<T>>(column);
        VBuffer<T> buffer = default;
        return () =>
        {
            getter(ref buffer);
            var hash = default(HashCode);
            foreach (T value in buffer.DenseValues()) hash.Add(hashOf(value));
            return hash.ToHashCode();
        };
    }
}
