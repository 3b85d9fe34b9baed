namespace Microsoft.ML.Data;

/// <summary>The rows of a source kept in memory, column by column, as they are first asked for.</summary>
internal sealed class StoredView(IDataView source) : IDataView
{
    private readonly object _lock = new();
    private readonly IColumnStore[] _stores = new IColumnStore[source.Schema.Count];
    private int? _rowCount;

    public bool CanShuffle => true;

    public DataViewSchema Schema => source.Schema;

    public long? GetRowCount() => _rowCount ?? source.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null)
    {
        var needed = columnsNeeded.ToArray();
        var order = Enumerable.Range(0, Fill(needed)).ToArray();
        rand?.Shuffle(order);
        return new Cursor(this, Getters.ActiveMask(Schema, needed), order);
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null) =>
        [GetRowCursor(columnsNeeded, rand)];

    private int Fill(DataViewSchema.Column[] needed)
    {
        lock (_lock)
        {
            var missing = needed.Where(c => _stores[c.Index] is null).Select(c => Schema[c.Index]).ToArray();
            if (missing.Length == 0 && _rowCount is { } known)
                return known;
            using var cursor = source.GetRowCursor(missing);
            var stores = missing
                .Select(c => (IColumnStore)TypeMap.Call(typeof(StoredView), nameof(NewStore), [c.Type.RawType], cursor, c)).ToArray();
            var rows = 0;
            for (; cursor.MoveNext(); rows++)
            {
                foreach (var store in stores)
                    store.Append();
            }
            for (var i = 0; i < missing.Length; i++)
                _stores[missing[i].Index] = stores[i];
            _rowCount = rows;
            return rows;
        }
    }

    private static IColumnStore NewStore<TValue>(DataViewRow row, DataViewSchema.Column column) =>
        new ColumnStore<TValue>(row.GetGetter<TValue>(column));

    private interface IColumnStore
    {
        void Append();
    }

    private sealed class ColumnStore<TValue>(ValueGetter<TValue> source) : IColumnStore
    {
        public List<TValue> Values { get; } = new();

        public void Append()
        {
            TValue value = default;
            source(ref value);
            Values.Add(value);
        }
    }

    private sealed class Cursor(StoredView view, bool[] active, int[] order) : DataViewRowCursor
    {
        private int _next;
        private int _position = -1;

        public override DataViewSchema Schema => view.Schema;

        public override long Position => _position;

        public override long Batch => 0;

        private int Row => _position >= 0
            ? order[_position]
            : throw new InvalidOperationException("Cannot call a getter: the cursor has no row");

        public override bool MoveNext()
        {
            _position = _next < order.Length ? _next++ : -1;
            return _position >= 0;
        }

        public override bool IsColumnActive(DataViewSchema.Column column) => active[column.Index];

        public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId value) => value = new DataViewRowId((ulong)Row, 0);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            Getters.CheckActive(this, column);
            if (view._stores[column.Index] is not ColumnStore<TValue> store)
                throw Errors.WrongGetter(typeof(TValue), view.Schema[column.Index].Type);
            return VBufferCopy.From<TValue>((ref TValue value) => value = store.Values[Row]);
        }
    }
}
