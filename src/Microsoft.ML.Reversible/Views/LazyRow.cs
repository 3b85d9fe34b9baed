namespace Microsoft.ML.Reversible.Views;

/// <summary>
/// What was computed for the row that the input stands on: at most once a row, and only when it is asked for. The position tells rows
/// apart, because a prediction engine moves one and the same row along.
/// </summary>
internal sealed class LazyRow<TOut>(DataViewRow input, RowComputation<TOut> compute)
{
    private const long NoRow = -1;
    private TOut _output = default!;
    private long _computedAt = NoRow;

    /// <exception cref="InvalidOperationException">The cursor stands before the first or after the last row.</exception>
    public ref readonly TOut Current
    {
        get
        {
            long position = input.Position;
            if (position < 0)
                throw new InvalidOperationException("The cursor stands on no row: read values only after a MoveNext that returned true.");
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
