using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.Tests.Packages.MicrosoftML.ThirdParty;

/// <summary>An estimator and transformer written outside the package: adds the length of a text column.</summary>
internal sealed class LengthEstimator(string input, string output) : IEstimator<LengthTransformer>
{
    public int Fits { get; private set; }

    public LengthTransformer Fit(IDataView data)
    {
        Fits++;
        return new LengthTransformer(input, output);
    }

    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        var text = inputSchema.Where(c => c.Name == input).Cast<SchemaShape.Column?>().SingleOrDefault()
            ?? throw new ArgumentOutOfRangeException(nameof(inputSchema), $"Could not find input column '{input}'");
        if (text.Kind != SchemaShape.Column.VectorKind.Scalar || text.ItemType is not TextDataViewType)
            throw new ArgumentOutOfRangeException(nameof(inputSchema),
                $"Schema mismatch for input column '{input}': expected String, got {text.ItemType}");
        return inputSchema.With(LengthTransformer.Added(output));
    }
}

internal class LengthTransformer(string input, string output) : ITransformer, IDisposable
{
    public int Disposals { get; private set; }

    public bool IsRowToRowMapper => true;

    public static DataViewSchema Added(string output)
    {
        var builder = new DataViewSchema.Builder();
        builder.AddColumn(output, NumberDataViewType.Int32);
        return builder.ToSchema();
    }

    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => new LengthMapper(inputSchema, input, output).OutputSchema;

    public IDataView Transform(IDataView data) => new LengthView(data, new LengthMapper(data.Schema, input, output));

    public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema) => new LengthMapper(inputSchema, input, output);

    public virtual void Save(ModelSaveContext ctx)
    {
    }

    public void Dispose() => Disposals++;
}

internal sealed class LengthMapper : IRowToRowMapper
{
    private readonly DataViewSchema.Column _text;

    public LengthMapper(DataViewSchema inputSchema, string input, string output)
    {
        InputSchema = inputSchema;
        _text = inputSchema[input];
        var builder = new DataViewSchema.Builder();
        builder.AddColumns(inputSchema);
        builder.AddColumns(LengthTransformer.Added(output));
        OutputSchema = builder.ToSchema();
    }

    public DataViewSchema InputSchema { get; }

    public DataViewSchema OutputSchema { get; }

    public IEnumerable<DataViewSchema.Column> GetDependencies(IEnumerable<DataViewSchema.Column> dependingColumns) => dependingColumns
        .Select(c => c.Index < InputSchema.Count ? InputSchema[c.Index] : _text).DistinctBy(c => c.Index).ToArray();

    public DataViewRow GetRow(DataViewRow input, IEnumerable<DataViewSchema.Column> activeColumns) => new Row(this, input, activeColumns);

    public ValueGetter<TValue> Getter<TValue>(DataViewRow input, DataViewSchema.Column column)
    {
        if (column.Index < InputSchema.Count)
            return input.GetGetter<TValue>(InputSchema[column.Index]);
        var text = input.GetGetter<ReadOnlyMemory<char>>(_text);
        ValueGetter<int> length = (ref int value) =>
        {
            ReadOnlyMemory<char> current = default;
            text(ref current);
            value = current.Length;
        };
        return length as ValueGetter<TValue> ?? throw new InvalidOperationException("The column is Int32.");
    }

    private sealed class Row(LengthMapper mapper, DataViewRow input, IEnumerable<DataViewSchema.Column> active) : DataViewRow
    {
        private readonly HashSet<int> _active = active.Select(c => c.Index).ToHashSet();

        public override DataViewSchema Schema => mapper.OutputSchema;

        public override long Position => input.Position;

        public override long Batch => input.Batch;

        public override ValueGetter<DataViewRowId> GetIdGetter() => input.GetIdGetter();

        public override bool IsColumnActive(DataViewSchema.Column column) => _active.Contains(column.Index);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => mapper.Getter<TValue>(input, column);

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                input.Dispose();
            base.Dispose(disposing);
        }
    }
}

internal sealed class LengthView(IDataView source, LengthMapper mapper) : IDataView
{
    public bool CanShuffle => source.CanShuffle;

    public DataViewSchema Schema => mapper.OutputSchema;

    public long? GetRowCount() => source.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
    {
        var needed = columnsNeeded.ToArray();
        return new Cursor(mapper, source.GetRowCursor(mapper.GetDependencies(needed), rand), needed);
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) =>
        [GetRowCursor(columnsNeeded, rand)];

    private sealed class Cursor(LengthMapper mapper, DataViewRowCursor input, DataViewSchema.Column[] active) : DataViewRowCursor
    {
        public override DataViewSchema Schema => mapper.OutputSchema;

        public override long Position => input.Position;

        public override long Batch => input.Batch;

        public override bool MoveNext() => input.MoveNext();

        public override ValueGetter<DataViewRowId> GetIdGetter() => input.GetIdGetter();

        public override bool IsColumnActive(DataViewSchema.Column column) => active.Any(c => c.Index == column.Index);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => mapper.Getter<TValue>(input, column);

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                input.Dispose();
            base.Dispose(disposing);
        }
    }
}
