using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.MLNet;

/// <summary>Reads a column of token ids: vectors, dense or sparse, of Int32 or UInt32.</summary>
internal static class TokenColumn
{
    /// <summary>
    /// Returns the ids of a column, one array a row, read on demand. Each enumeration opens and disposes its own cursor.
    /// </summary>
    /// <param name="data">The data to read.</param>
    /// <param name="name">The column's name.</param>
    /// <param name="role">The column's role, for messages.</param>
    /// <param name="vocabularySize">Number of ids, which run from 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">
    /// There is no such column, or it has another type: thrown at once. Or an id is outside the vocabulary: thrown when its row is read;
    /// the message names the row and the range.
    /// </exception>
    public static IEnumerable<int[]> Read(IDataView data, string name, int vocabularySize, string role = "token")
    {
        DataViewSchema.Column column = SchemaErrors.RequireTokens(data.Schema, name, role);
        return ((VectorDataViewType)column.Type).ItemType == NumberDataViewType.Int32
            ? Rows<int>(data, column, vocabularySize, id => id)
            : Rows<uint>(data, column, vocabularySize, id => id);
    }

    private static IEnumerable<int[]> Rows<TId>(IDataView data, DataViewSchema.Column column, int vocabularySize, Func<TId, long> number)
    {
        using DataViewRowCursor cursor = data.GetRowCursor([column]);
        ValueGetter<VBuffer<TId>> getter = cursor.GetGetter<VBuffer<TId>>(column);
        VBuffer<TId> buffer = default;
        while (cursor.MoveNext())
        {
            getter(ref buffer);
            var dense = new TId[buffer.Length];
            buffer.CopyTo(dense);
            yield return Array.ConvertAll(dense, value => number(value) is >= 0 and var id && id < vocabularySize
                ? (int)id
                : throw new ArgumentOutOfRangeException(
                    nameof(data), value, $"Row {cursor.Position} of column '{column.Name}' has the id {value}, " +
                    $"but those of the vocabulary are 0 to {vocabularySize - 1}."));
        }
    }
}
