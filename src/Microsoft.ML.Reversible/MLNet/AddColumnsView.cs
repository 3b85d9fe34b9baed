using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.MLNet;

/// <summary>A view that adds columns to those of its input, lazily and row by row, with as many cursors as the input has.</summary>
/// <param name="input">The input.</param>
/// <param name="added">The columns.</param>
/// <param name="maker">The transformer that adds them; null if unknown.</param>
internal sealed class AddColumnsView<TOut>(IDataView input, AddedColumns<TOut> added, ITransformer? maker = null)
    : IDataView, ITransformedView
{
    private readonly AddColumnsMapper<TOut> _mapper = new(input.Schema, added);

    public DataViewSchema Schema => _mapper.OutputSchema;

    public IDataView Input => input;

    public ITransformer? Maker => maker;

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
            return new AddColumnsCursor<TOut>(cursor, new AddedValues<TOut>(cursor, _mapper, active));
        }
        catch
        {
            cursor.Dispose();
            throw;
        }
    }
}
