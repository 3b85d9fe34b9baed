namespace Microsoft.ML.Reversible.Views;

/// <summary>Reads a text column as strings.</summary>
internal static class TextColumn
{
    /// <summary>
    /// The texts of a column, one a row, read as they are asked for; each enumeration opens a cursor of its own and disposes of it.
    /// A missing text reads as an empty one.
    /// </summary>
    /// <param name="data">The data to read.</param>
    /// <param name="name">The column's name.</param>
    /// <param name="role">What the column is to the caller, for messages: "text", "validation text".</param>
    /// <param name="makeRandom">Makes the source of a shuffled order for each enumeration; null for the data's own order.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such column, or it doesn't hold text. Thrown at once.</exception>
    public static IEnumerable<string> Read(IDataView data, string name, string role = "text", Func<Random>? makeRandom = null)
        => Rows(data, SchemaErrors.RequireText(data.Schema, name, role), makeRandom);

    private static IEnumerable<string> Rows(IDataView data, DataViewSchema.Column column, Func<Random>? makeRandom)
    {
        using DataViewRowCursor cursor = data.GetRowCursor([column], makeRandom?.Invoke());
        ValueGetter<ReadOnlyMemory<char>> getter = cursor.GetGetter<ReadOnlyMemory<char>>(column);
        ReadOnlyMemory<char> text = default;
        while (cursor.MoveNext())
        {
            getter(ref text);
            yield return text.ToString();
        }
    }
}
