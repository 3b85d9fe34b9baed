using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Reversible.MLNet;

/// <summary>
/// A view with columns that are computed for several rows at once. It is still lazy: a second cursor reads ahead of the first, no further
/// than <see cref="ReadAhead{TItem, TOut}"/> allows, and only if an added column is read. Computed rows are remembered for the next pass.
/// </summary>
/// <param name="context">The context, which receives warnings.</param>
/// <param name="input">The input.</param>
/// <param name="added">The columns.</param>
/// <param name="batched">Their computation.</param>
/// <param name="maker">The transformer that adds them.</param>
/// <param name="mostBytes">The maximum size of the remembered rows, bytes.</param>
internal sealed class BatchedColumnsView<TItem, TOut>(
    MLContext context, IDataView input, AddedColumns<TOut> added, BatchedColumns<TItem, TOut> batched, ITransformer? maker,
    long mostBytes = RowMemory<TOut>.DefaultBytes)
    : IDataView, ITransformedView
{
    private readonly AddColumnsMapper<TOut> _mapper = new(input.Schema, added);
    private readonly RowMemory<TOut> _memory = new(
        batched.SizeOf, () => WarnOfRecomputation(context, mostBytes), () => WarnOfOtherOrder(context), mostBytes);

    public DataViewSchema Schema => _mapper.OutputSchema;

    public IDataView Input => input;

    public ITransformer? Maker => maker;

    public bool CanShuffle => input.CanShuffle;

    public long? GetRowCount() => input.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
    {
        bool[] active = _mapper.ActiveColumns(columnsNeeded);
        int? seed = rand?.Next();
        DataViewRowCursor? cursor = null, ahead = null;
        try
        {
            cursor = input.GetRowCursor(_mapper.InputsFor(active), Shuffle());
            if (active.AsSpan(input.Schema.Count).Contains(true))
                ahead = input.GetRowCursor(added.Dependencies.Select(name => input.Schema[name]), Shuffle());
            ReadAhead<TItem, TOut>? readAhead = ahead is null ? null : new(ahead, added.Dependencies, batched, _memory);
            var values = new AddedValues<TOut>(cursor, _mapper, active, row => readAhead!.Follow(row));
            return new AddColumnsCursor<TOut>(cursor, values, ahead, readAhead is null ? null : readAhead.CheckEnd);
        }
        catch
        {
            cursor?.Dispose();
            ahead?.Dispose();
            throw;
        }

        Random? Shuffle() => seed is { } value ? new Random(value) : null;
    }

    /// <summary>Returns one cursor, because rows are computed together.</summary>
    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) =>
        [GetRowCursor(columnsNeeded, rand)];

    private static void WarnOfRecomputation(MLContext context, long mostBytes) => Warn(
        context,
        $"The model is evaluated again for rows that it was evaluated for before: their columns take more than the {mostBytes >> 20} MiB " +
        "that are remembered. Put AppendCacheCheckpoint(mlContext) after the model, or mlContext.Data.Cache around the transformed data.");

    private static void WarnOfOtherOrder(MLContext context) => Warn(
        context,
        "Two cursors over the input give different rows or another order, so the model is evaluated for one row at a time, which is " +
        "slow. Put AppendCacheCheckpoint(mlContext) in front of the model, or mlContext.Data.Cache around the data.");

    private static void Warn(MLContext context, string message)
    {
        using IChannel channel = ((IHostEnvironment)context).Register(nameof(Microsoft.ML.Reversible)).Start("Transform");
        channel.Warning(MessageSensitivity.None, "{0}", message);
    }
}
