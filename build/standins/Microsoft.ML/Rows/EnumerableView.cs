namespace Microsoft.ML.Data;

/// <summary>Objects as rows: a list can be shuffled and counted, any other sequence is read from its start for each cursor.</summary>
internal sealed class EnumerableView<TRow>(IEnumerable<TRow> data, ObjectColumns<TRow> columns) : IDataView
    where TRow : class
{
    public bool CanShuffle => data is IList<TRow>;

    public DataViewSchema Schema => columns.Schema;

    public long? GetRowCount() => (data as IList<TRow>)?.Count;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null)
    {
        var rows = data;
        if (rand is not null && data is IList<TRow> list)
        {
            var shuffled = list.ToArray();
            rand.Shuffle(shuffled);
            rows = shuffled;
        }
        return new Cursor(columns, rows.GetEnumerator(), Getters.ActiveMask(Schema, columnsNeeded));
    }

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

        private TRow Current() => _position >= 0 ? rows.Current : throw new InvalidOperationException("Cannot call a getter: the cursor has no row");
    }
}
