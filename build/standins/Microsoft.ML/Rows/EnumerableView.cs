namespace Microsoft.ML.Data;

/// <summary>Objects as rows, read from the first on for each cursor and never shuffled.</summary>
internal sealed class EnumerableView<TRow>(IEnumerable<TRow> data, ObjectColumns<TRow> columns) : IDataView
    where TRow : class
{
    public bool CanShuffle => false;

    public DataViewSchema Schema => columns.Schema;

    public long? GetRowCount() => (data as ICollection<TRow>)?.Count;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null) =>
        new Cursor(columns, data.GetEnumerator(), Getters.ActiveMask(Schema, columnsNeeded));

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null) =>
        [GetRowCursor(columnsNeeded, rand)];

    private sealed class Cursor(ObjectColumns<TRow> columns, IEnumerator<TRow> rows, bool[] active) : DataViewRowCursor
    {
        private long _position = -1;
        private bool _done;

        public override DataViewSchema Schema => columns.Schema;

        public override long Position => _position;

        public override long Batch => 0;

        public override bool MoveNext()
        {
            if (!_done && rows.MoveNext())
            {
                if (rows.Current is null)
                    throw new InvalidOperationException("Encountered null when iterating over data, this is not supported.");
                _position++;
                return true;
            }
            _done = true;
            _position = -1;
            return false;
        }

        public override bool IsColumnActive(DataViewSchema.Column column) => active[column.Index];

        public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId value) =>
        {
            Current();
            value = new DataViewRowId((ulong)_position, 0);
        };

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            Getters.CheckActive(this, column);
            return columns.Getter<TValue>(column, Current);
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                rows.Dispose();
            base.Dispose(disposing);
        }

        private TRow Current() => _position >= 0
            ? rows.Current
            : throw new InvalidOperationException("Cannot call a getter: the cursor has no row");
    }
}
