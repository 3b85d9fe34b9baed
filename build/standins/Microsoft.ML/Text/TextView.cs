namespace Microsoft.ML.Data;

internal sealed class TextView(IMultiStreamSource source, TextLoader.Options options, TextColumn[] columns, DataViewSchema schema)
    : IDataView
{
    public bool CanShuffle => false;

    public DataViewSchema Schema => schema;

    public long? GetRowCount() => null;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null) =>
        new Cursor(columns, schema, LineFields.Lines(source, options).GetEnumerator(), options, Getters.ActiveMask(schema, columnsNeeded));

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null) =>
        [GetRowCursor(columnsNeeded, rand)];

    private sealed class Cursor(TextColumn[] columns, DataViewSchema schema, IEnumerator<string> lines, TextLoader.Options options,
        bool[] active)
        : DataViewRowCursor
    {
        private long _position = -1;
        private bool _done;
        private List<ReadOnlyMemory<char>> _fields;

        public override DataViewSchema Schema => schema;

        public override long Position => _position;

        public override long Batch => 0;

        public override bool MoveNext()
        {
            _fields = null;
            if (!_done && lines.MoveNext())
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
            value = new DataViewRowId((ulong)_position, 0);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            Getters.CheckActive(this, column);
            return Getters.Cast<TValue>(columns[column.Index].MakeGetter(Fields), schema[column.Index]);
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                lines.Dispose();
            base.Dispose(disposing);
        }

        private IReadOnlyList<ReadOnlyMemory<char>> Fields()
        {
            if (_position < 0)
                throw new InvalidOperationException("Cannot call a getter: the cursor has no row");
            return _fields ??= LineFields.Split(lines.Current, options);
        }
    }
}
