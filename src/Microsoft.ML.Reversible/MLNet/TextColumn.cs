namespace Microsoft.ML.Reversible.MLNet;

/// <summary>Reads a text column as strings.</summary>
internal static class TextColumn
{
    /// <summary>
    /// Returns the texts of a column, one a row, read on demand. Each enumeration opens and disposes its own cursor. A missing text is an
    /// empty string.
    /// </summary>
    /// <param name="data">The data to read.</param>
    /// <param name="name">The column's name.</param>
    /// <param name="role">The column's role for messages, such as "text" or "validation text".</param>
    /// <param name="makeRandom">Makes the random numbers that shuffle the rows of an enumeration; null for the data's order.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such column, or it is not text. Thrown at once.</exception>
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
