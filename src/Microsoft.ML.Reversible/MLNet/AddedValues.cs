namespace Microsoft.ML.Reversible.MLNet;

/// <summary>The getters of a row with added columns: those of the input for its columns, computed ones for the added columns.</summary>
internal sealed class AddedValues<TOut>
{
    private readonly DataViewRow _input;
    private readonly bool[] _active;
    private readonly Delegate?[] _getters;

    /// <param name="input">The row or cursor.</param>
    /// <param name="mapper">The mapper that adds the columns.</param>
    /// <param name="active">For each output column whether it is active.</param>
    /// <param name="start">Starts the computation; null takes the mapper's.</param>
    public AddedValues(
        DataViewRow input, AddColumnsMapper<TOut> mapper, bool[] active, Func<DataViewRow, RowComputation<TOut>>? start = null)
    {
        _input = input;
        _active = active;
        Schema = mapper.OutputSchema;
        _getters = new Delegate?[mapper.Added.Count];

        // Without an active added column, the columns that the computation reads may be inactive in the input.
        LazyRow<TOut>? row = null;
        for (int i = 0; i < _getters.Length; i++)
        {
            if (active[mapper.InputSchema.Count + i])
                _getters[i] = mapper.Added.GetGetter(i, row ??= new LazyRow<TOut>(input, (start ?? mapper.Added.Start)(input)));
        }
    }

    public DataViewSchema Schema { get; }

    public bool IsActive(DataViewSchema.Column column) => _active[column.Index];

    /// <exception cref="InvalidOperationException">The column is not active, or it has another type.</exception>
    public ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
    {
        if (!IsActive(column))
            throw SchemaErrors.NotActive(column);
        int added = column.Index - (Schema.Count - _getters.Length);
        if (added < 0)
            return _input.GetGetter<TValue>(_input.Schema[column.Index]);
        return _getters[added] as ValueGetter<TValue> ?? throw SchemaErrors.OtherValue(column, typeof(TValue));
    }
}
