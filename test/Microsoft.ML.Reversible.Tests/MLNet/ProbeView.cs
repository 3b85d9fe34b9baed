namespace Microsoft.ML.Reversible.Tests.MLNet;

/// <summary>A view that records which columns were requested and how many of its cursors are open.</summary>
internal sealed class ProbeView(IDataView inner) : IDataView
{
    public List<string[]> Requests { get; } = [];

    public int OpenCursors { get; private set; }

    public DataViewSchema Schema => inner.Schema;

    public bool CanShuffle => inner.CanShuffle;

    public long? GetRowCount() => inner.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
    {
        DataViewSchema.Column[] columns = [.. columnsNeeded];
        Requests.Add([.. columns.Select(column => column.Name)]);
        return Watch(inner.GetRowCursor(columns, rand));
    }

    // Splits the rows between the cursors, which ML.NET's own sources may or may not do.
    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null)
    {
        DataViewSchema.Column[] columns = [.. columnsNeeded];
        Requests.Add([.. columns.Select(column => column.Name)]);
        return [.. Enumerable.Range(0, n).Select(i => Watch(inner.GetRowCursor(columns, rand), n, i))];
    }

    private Cursor Watch(DataViewRowCursor cursor, int of = 1, int part = 0)
    {
        OpenCursors++;
        return new Cursor(cursor, of, part, () => OpenCursors--);
    }

    private sealed class Cursor(DataViewRowCursor inner, int of, int part, Action closed) : DataViewRowCursor
    {
        public override DataViewSchema Schema => inner.Schema;

        public override long Position => inner.Position;

        public override long Batch => inner.Position;

        public override bool MoveNext()
        {
            while (inner.MoveNext())
            {
                if (inner.Position % of == part)
                    return true;
            }
            return false;
        }

        public override ValueGetter<Microsoft.ML.Data.DataViewRowId> GetIdGetter() => inner.GetIdGetter();

        public override bool IsColumnActive(DataViewSchema.Column column) => inner.IsColumnActive(column);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => inner.GetGetter<TValue>(column);

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                closed();
                inner.Dispose();
            }
            base.Dispose(disposing);
        }
    }
}
