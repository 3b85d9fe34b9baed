using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.MLNet;

/// <summary>A cursor that adds columns to those of its input. The cursors that it is given are disposed with it.</summary>
/// <param name="input">The input's cursor.</param>
/// <param name="values">The values of all columns.</param>
/// <param name="ahead">A second cursor, which the added values are computed from; null if there is none.</param>
/// <param name="onEnd">Called at the end with the number of rows; null for nothing.</param>
internal sealed class AddColumnsCursor<TOut>(
    DataViewRowCursor input, AddedValues<TOut> values, DataViewRowCursor? ahead, Action<long>? onEnd)
    : DataViewRowCursor
{
    private bool _disposed;

    public override DataViewSchema Schema => values.Schema;

    public override long Position => input.Position;

    public override long Batch => input.Batch;

    public override bool MoveNext()
    {
        long rows = input.Position + 1;
        if (input.MoveNext()) return true;
        onEnd?.Invoke(rows);
        return false;
    }

    public override ValueGetter<DataViewRowId> GetIdGetter() => input.GetIdGetter();

    public override bool IsColumnActive(DataViewSchema.Column column) => values.IsActive(column);

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => values.GetGetter<TValue>(column);

    protected override void Dispose(bool disposing)
    {
        if (disposing && !_disposed)
        {
            input.Dispose();
            ahead?.Dispose();
        }
        _disposed = true;
        base.Dispose(disposing);
    }
}
