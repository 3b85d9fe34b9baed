namespace Microsoft.ML.Data;

/// <summary>Some columns of a source in a new order; also the mapper of single rows.</summary>
internal sealed class SelectedView : InputView, IRowToRowMapper
{
    private readonly int[] _sources;

    public SelectedView(IDataView source, int[] sources) : base(source)
    {
        _sources = sources;
        Schema = SchemaOf(source.Schema, sources);
    }

    public override DataViewSchema Schema { get; }

    public DataViewSchema InputSchema => Source.Schema;

    public DataViewSchema OutputSchema => Schema;

    public static DataViewSchema SchemaOf(DataViewSchema input, int[] sources)
    {
        var builder = new DataViewSchema.Builder();
        builder.AddColumns(sources.Select(i => input[i]));
        return builder.ToSchema();
    }

    public IEnumerable<DataViewSchema.Column> GetDependencies(IEnumerable<DataViewSchema.Column> dependingColumns) =>
        dependingColumns.Select(c => Source.Schema[_sources[c.Index]]).ToArray();

    public override DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null) =>
        new Cursor(this, Source.GetRowCursor(GetDependencies(columnsNeeded), rand));

    public DataViewRow GetRow(DataViewRow input, IEnumerable<DataViewSchema.Column> activeColumns)
    {
        if (!ReferenceEquals(input.Schema, InputSchema))
            throw new ArgumentException("Schema of input row must be the same as the schema the mapper is bound to", nameof(input));
        return new Row(this, input);
    }

    private DataViewSchema.Column Original(DataViewSchema.Column column) => Source.Schema[_sources[column.Index]];

    private sealed class Cursor(SelectedView view, DataViewRowCursor input) : InputCursor(input)
    {
        public override DataViewSchema Schema => view.Schema;

        public override bool IsColumnActive(DataViewSchema.Column column) => Input.IsColumnActive(view.Original(column));

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) =>
            Input.GetGetter<TValue>(view.Original(column));
    }

    private sealed class Row(SelectedView view, DataViewRow input) : DataViewRow
    {
        public override DataViewSchema Schema => view.Schema;

        public override long Position => input.Position;

        public override long Batch => input.Batch;

        public override ValueGetter<DataViewRowId> GetIdGetter() => input.GetIdGetter();

        public override bool IsColumnActive(DataViewSchema.Column column) => input.IsColumnActive(view.Original(column));

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) =>
            input.GetGetter<TValue>(view.Original(column));

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                input.Dispose();
            base.Dispose(disposing);
        }
    }
}
