namespace Microsoft.ML.Data;

/// <summary>Leaves out the first rows and those beyond a count.</summary>
internal sealed class RowRangeView(IDataView source, long skip, long take) : InputView(source)
{
    public override bool CanShuffle => false;

    public override long? GetRowCount() => Source.GetRowCount() is { } rows ? Math.Min(Math.Max(rows - skip, 0), take) : null;

    public override DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null) =>
        new Cursor(Source.GetRowCursor(columnsNeeded), skip, take);

    private sealed class Cursor(DataViewRowCursor input, long skip, long take) : InputCursor(input)
    {
        private long _read;

        protected override bool Advance()
        {
            while (_read < skip)
            {
                if (!Input.MoveNext())
                    return false;
                _read++;
            }
            return _read++ - skip < take && Input.MoveNext();
        }
    }
}

/// <summary>Keeps the rows for which a predicate, made anew for each cursor, holds.</summary>
internal sealed class FilteredView(IDataView source, DataViewSchema.Column[] read, Func<DataViewRow, Func<bool>> makePredicate)
    : InputView(source)
{
    // The predicate may count rows, so they must come in their own order.
    public override bool CanShuffle => false;

    public override long? GetRowCount() => null;

    public override DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null)
    {
        var input = Source.GetRowCursor(columnsNeeded.Concat(read).DistinctBy(c => c.Index).ToArray());
        return new Cursor(input, makePredicate(input));
    }

    private sealed class Cursor(DataViewRowCursor input, Func<bool> keep) : InputCursor(input)
    {
        protected override bool Advance()
        {
            while (Input.MoveNext())
            {
                if (keep())
                    return true;
            }
            return false;
        }
    }
}

/// <summary>The rows in an order drawn from a seed, the same for every cursor.</summary>
internal sealed class ShuffledView(IDataView source, int seed) : InputView(source)
{
    private readonly StoredView _stored = new(source);

    public override bool CanShuffle => true;

    public override DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null) =>
        _stored.GetRowCursor(columnsNeeded, rand ?? new Random(seed));
}
