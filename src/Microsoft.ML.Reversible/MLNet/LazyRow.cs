namespace Microsoft.ML.Reversible.MLNet;

/// <summary>
/// The computed values of the input's current row. They are computed on demand and at most once a row. Rows are told apart by position,
/// because a prediction engine reuses one row object.
/// </summary>
internal sealed class LazyRow<TOut>(DataViewRow input, RowComputation<TOut> compute)
{
    private const long NoRow = -1;
    private TOut _output = default!;
    private long _computedAt = NoRow;

    /// <exception cref="InvalidOperationException">The cursor is before the first row or after the last.</exception>
    public ref readonly TOut Current
    {
        get
        {
            long position = input.Position;
            if (position < 0)
                throw new InvalidOperationException("The cursor is not on a row. Read values only after MoveNext has returned true.");
            if (position != _computedAt)
            {
                _computedAt = NoRow;
                compute(ref _output);
                _computedAt = position;
            }
            return ref _output;
        }
    }
}
