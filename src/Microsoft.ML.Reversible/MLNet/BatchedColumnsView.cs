using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.MLNet;

/// <summary>
/// A view with columns that are computed for several rows at once. It is still lazy: a second cursor reads ahead of the first, no further
/// than <see cref="ReadAhead{TItem, TOut}"/> allows, and only if an added column is read.
/// </summary>
/// <param name="input">The input; two of its cursors must give the same rows in the same order.</param>
/// <param name="added">The columns.</param>
/// <param name="batched">Their computation.</param>
/// <param name="maker">The transformer that adds them.</param>
internal sealed class BatchedColumnsView<TItem, TOut>(
    IDataView input, AddedColumns<TOut> added, BatchedColumns<TItem, TOut> batched, ITransformer maker)
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
        int? seed = rand?.Next();
        DataViewRowCursor cursor = input.GetRowCursor(input.Schema.Where(column => active[column.Index]), Shuffle());
        ReadAhead<TItem, TOut>? ahead = null;
        try
        {
            if (active.AsSpan(input.Schema.Count).Contains(true))
                ahead = new ReadAhead<TItem, TOut>(input.GetRowCursor(Dependencies(), Shuffle()), batched);
            return new AddColumnsCursor<TOut>(cursor, new AddedValues<TOut>(cursor, _mapper, active, row => ahead!.Follow(row)), ahead);
        }
        catch
        {
            cursor.Dispose();
            ahead?.Dispose();
            throw;
        }

        Random? Shuffle() => seed is { } value ? new Random(value) : null;
    }

    /// <summary>Returns one cursor, because rows are computed together.</summary>
    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) =>
        [GetRowCursor(columnsNeeded, rand)];

    private IEnumerable<DataViewSchema.Column> Dependencies() => added.Dependencies.Select(name => input.Schema[name]);
}
