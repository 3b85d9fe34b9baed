namespace Microsoft.ML.Data;

/// <summary>A cursor over another's rows: it may leave rows out, and shows the same columns unless a derived one says otherwise.</summary>
internal abstract class InputCursor(DataViewRowCursor input) : DataViewRowCursor
{
    private long _position = -1;
    private bool _done;

    public override DataViewSchema Schema => Input.Schema;

    public override long Position => _position;

    public override long Batch => Input.Batch;

    protected DataViewRowCursor Input { get; } = input;

    public override ValueGetter<DataViewRowId> GetIdGetter() => Input.GetIdGetter();

    public override bool IsColumnActive(DataViewSchema.Column column) => Input.IsColumnActive(column);

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => Input.GetGetter<TValue>(column);

    public override bool MoveNext()
    {
        if (!_done && Advance())
        {
            _position++;
            return true;
        }
        _done = true;
        _position = -1;
        return false;
    }

    protected virtual bool Advance() => Input.MoveNext();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            Input.Dispose();
        base.Dispose(disposing);
    }
}

/// <summary>A view whose cursors wrap those of its source.</summary>
internal abstract class InputView(IDataView source) : IDataView
{
    public virtual bool CanShuffle => Source.CanShuffle;

    public virtual DataViewSchema Schema => Source.Schema;

    protected IDataView Source { get; } = source;

    public virtual long? GetRowCount() => Source.GetRowCount();

    public abstract DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null);

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null) =>
        [GetRowCursor(columnsNeeded, rand)];
}
