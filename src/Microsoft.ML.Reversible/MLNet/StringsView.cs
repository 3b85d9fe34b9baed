using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.MLNet;

/// <summary>Data with one text column, made of strings.</summary>
internal sealed class StringsView : IDataView
{
    private readonly IReadOnlyList<string> _rows;

    public StringsView(string columnName, IReadOnlyList<string> rows)
    {
        _rows = rows;
        var builder = new DataViewSchema.Builder();
        builder.AddColumn(columnName, TextDataViewType.Instance);
        Schema = builder.ToSchema();
    }

    public DataViewSchema Schema { get; }

    public bool CanShuffle => false;

    public long? GetRowCount() => _rows.Count;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
        => new Cursor(Schema, _rows, columnsNeeded.Any(column => column.Index == 0));

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null)
        => [GetRowCursor(columnsNeeded, rand)];

    private sealed class Cursor(DataViewSchema schema, IReadOnlyList<string> rows, bool active) : DataViewRowCursor
    {
        private int _row = -1;
        private bool _ended;

        public override DataViewSchema Schema => schema;

        public override long Position => _row;

        public override long Batch => 0;

        public override bool MoveNext()
        {
            _ended |= _row + 1 >= rows.Count;
            _row = _ended ? -1 : _row + 1;
            return !_ended;
        }

        public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId id) => id = new DataViewRowId((ulong)_row, 0);

        public override bool IsColumnActive(DataViewSchema.Column column) => active && column.Index == 0;

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            if (!IsColumnActive(column))
                throw SchemaErrors.NotActive(column);
            ValueGetter<ReadOnlyMemory<char>> getter = (ref ReadOnlyMemory<char> value) => value = rows[_row].AsMemory();
            return getter as ValueGetter<TValue> ?? throw SchemaErrors.OtherValue(column, typeof(TValue));
        }
    }
}
