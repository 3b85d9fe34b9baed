namespace Microsoft.ML.Data;

/// <summary>What a transformer adds to one input schema: the columns, what they need, and how to compute them.</summary>
internal abstract class RowMapper(DataViewSchema inputSchema)
{
    public DataViewSchema InputSchema { get; } = inputSchema;

    public abstract DataViewSchema.DetachedColumn[] OutputColumns { get; }

    /// <summary>The indices of the input columns that the active ones of the added columns are computed from.</summary>
    public abstract IEnumerable<int> Dependencies(Func<int, bool> active);

    /// <summary>A getter for each added column, null where it is not active.</summary>
    public abstract Delegate[] CreateGetters(DataViewRow input, Func<int, bool> active);

    public DataViewSchema OutputSchema()
    {
        var builder = new DataViewSchema.Builder();
        builder.AddColumns(InputSchema);
        builder.AddColumns(OutputColumns);
        return builder.ToSchema();
    }
}
