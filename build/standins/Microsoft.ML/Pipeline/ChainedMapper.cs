namespace Microsoft.ML.Data;

/// <summary>Row mappers one after the other, each on the row the one before it makes.</summary>
internal sealed class ChainedMapper(DataViewSchema inputSchema, IReadOnlyList<IRowToRowMapper> mappers) : IRowToRowMapper
{
    public DataViewSchema InputSchema => inputSchema;

    public DataViewSchema OutputSchema => mappers.Count > 0 ? mappers[^1].OutputSchema : inputSchema;

    public IEnumerable<DataViewSchema.Column> GetDependencies(IEnumerable<DataViewSchema.Column> dependingColumns)
    {
        for (var i = mappers.Count - 1; i >= 0; i--)
            dependingColumns = mappers[i].GetDependencies(dependingColumns);
        return dependingColumns;
    }

    public DataViewRow GetRow(DataViewRow input, IEnumerable<DataViewSchema.Column> activeColumns)
    {
        ArgumentNullException.ThrowIfNull(input);
        var active = new IEnumerable<DataViewSchema.Column>[mappers.Count];
        var needed = activeColumns.ToArray();
        for (var i = mappers.Count - 1; i >= 0; i--)
        {
            active[i] = needed;
            needed = mappers[i].GetDependencies(needed).ToArray();
        }
        var row = input;
        for (var i = 0; i < mappers.Count; i++)
            row = mappers[i].GetRow(row, active[i]);
        return row;
    }
}
