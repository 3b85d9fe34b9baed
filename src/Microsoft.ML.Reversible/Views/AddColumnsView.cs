using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.Views;

/// <summary>A view with columns added to those of its input: lazy, row by row, in as many cursors as the input gives.</summary>
internal sealed class AddColumnsView<TOut>(IDataView input, AddedColumns<TOut> added) : IDataView
{
    private readonly AddColumnsMapper<TOut> _mapper = new(input.Schema, added);

    public DataViewSchema Schema => _mapper.OutputSchema;

    public bool CanShuffle => input.CanShuffle;

    public long? GetRowCount() => input.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
    {
        bool[] active = _mapper.ActiveColumns(columnsNeeded);
        return Start(input.GetRowCursor(_mapper.InputsFor(active), rand), active);
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null)
    {
        bool[] active = _mapper.ActiveColumns(columnsNeeded);
        return Array.ConvertAll(input.GetRowCursorSet(_mapper.InputsFor(active), n, rand), cursor => Start(cursor, active));
    }

    private DataViewRowCursor Start(DataViewRowCursor cursor, bool[] active)
    {
        try
        {
            return new Cursor(cursor, new AddedValues<TOut>(cursor, _mapper, active));
        }
        catch
        {
            cursor.Dispose();
            throw;
        }
    }

    private sealed class Cursor(DataViewRowCursor input, AddedValues<TOut> values) : DataViewRowCursor
    {
        private bool _disposed;

        public override DataViewSchema Schema => values.Schema;

        public override long Position => input.Position;

        public override long Batch => input.Batch;

        public override bool MoveNext() => input.MoveNext();

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
