using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.MLNet;

/// <summary>Adds columns to single rows, for prediction engines and <see cref="BatchedColumnsView{TItem, TOut}"/>.</summary>
internal sealed class AddColumnsMapper<TOut> : IRowToRowMapper
{
    private readonly DataViewSchema.Column[] _dependencies;

    /// <exception cref="ArgumentOutOfRangeException">The input lacks a column that the computation reads.</exception>
    public AddColumnsMapper(DataViewSchema inputSchema, AddedColumns<TOut> added)
    {
        InputSchema = inputSchema;
        Added = added;
        OutputSchema = added.ToSchema(inputSchema);
        _dependencies = added.Dependencies
            .Select(name => inputSchema.GetColumnOrNull(name) ?? throw SchemaErrors.Missing(nameof(inputSchema), "input", name))
            .ToArray();
    }

    public DataViewSchema InputSchema { get; }

    public DataViewSchema OutputSchema { get; }

    public AddedColumns<TOut> Added { get; }

    public IEnumerable<DataViewSchema.Column> GetDependencies(IEnumerable<DataViewSchema.Column> dependingColumns)
        => InputsFor(ActiveColumns(dependingColumns));

    public DataViewRow GetRow(DataViewRow input, IEnumerable<DataViewSchema.Column> activeColumns)
    {
        if (input.Schema != InputSchema)
            throw new ArgumentException("The row's schema is not the one this mapper was made for.", nameof(input));
        bool[] active = ActiveColumns(activeColumns);
        for (int i = 0; i < InputSchema.Count; i++)
            active[i] = input.IsColumnActive(InputSchema[i]);
        return new Row(input, new AddedValues<TOut>(input, this, active));
    }

    /// <summary>Returns for each output column whether it is among those given.</summary>
    internal bool[] ActiveColumns(IEnumerable<DataViewSchema.Column> columns)
    {
        var active = new bool[OutputSchema.Count];
        foreach (DataViewSchema.Column column in columns)
            active[column.Index] = true;
        return active;
    }

    /// <summary>Returns the input columns that the active output columns need.</summary>
    internal DataViewSchema.Column[] InputsFor(bool[] active)
    {
        var inputs = InputSchema.Where(column => active[column.Index]);
        if (active.AsSpan(InputSchema.Count).Contains(true))
            inputs = inputs.Concat(_dependencies);
        return inputs.DistinctBy(column => column.Index).ToArray();
    }

    private sealed class Row(DataViewRow input, AddedValues<TOut> values) : DataViewRow
    {
        private bool _disposed;

        public override DataViewSchema Schema => values.Schema;

        public override long Position => input.Position;

        public override long Batch => input.Batch;

        public override ValueGetter<DataViewRowId> GetIdGetter() => input.GetIdGetter();

        public override bool IsColumnActive(DataViewSchema.Column column) => values.IsActive(column);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => values.GetGetter<TValue>(column);

        protected override void Dispose(bool disposing)
        {
            if (disposing && !_disposed)
                input.Dispose();
            _disposed = true;
            base.Dispose(disposing);
        }
    }
}
