using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.MLNet;

/// <summary>
/// Computes all values that are added to the current row of its input. Each cursor has its own computation, which may keep buffers.
/// </summary>
internal delegate void RowComputation<TOut>(ref TOut output);

/// <summary>Selects the value of one column from the values computed for a row.</summary>
internal delegate void ColumnSelector<TOut, TValue>(in TOut output, ref TValue value);

/// <summary>The columns that a transformer adds to each row, which are computed together from some of the input columns.</summary>
/// <param name="dependencies">Names of the input columns that the computation reads.</param>
/// <param name="start">Starts a computation over a row or cursor in which the dependencies are active.</param>
internal sealed class AddedColumns<TOut>(IReadOnlyList<string> dependencies, Func<DataViewRow, RowComputation<TOut>> start)
{
    private readonly List<DataViewSchema.DetachedColumn> _columns = [];
    private readonly List<Func<LazyRow<TOut>, Delegate>> _getters = [];

    public IReadOnlyList<string> Dependencies => dependencies;

    public Func<DataViewRow, RowComputation<TOut>> Start => start;

    public int Count => _columns.Count;

    /// <summary>Adds a column. <typeparamref name="TValue"/> must be the raw type of its type.</summary>
    public AddedColumns<TOut> Add<TValue>(
        string name, DataViewType type, ColumnSelector<TOut, TValue> select, DataViewSchema.Annotations? annotations = null)
    {
        if (typeof(TValue) != type.RawType)
            throw new ArgumentException($"Column '{name}' of type {type} holds {type.RawType}, not {typeof(TValue)}.", nameof(select));
        _columns.Add(new DataViewSchema.DetachedColumn(name, type, annotations));
        _getters.Add(row => (ValueGetter<TValue>)((ref TValue value) => select(in row.Current, ref value)));
        return this;
    }

    /// <summary>Returns a schema of the added columns alone, for <see cref="SchemaShapes.With"/>.</summary>
    public DataViewSchema ToSchema()
    {
        var builder = new DataViewSchema.Builder();
        builder.AddColumns(_columns);
        return builder.ToSchema();
    }

    /// <summary>Returns a schema of the input's columns and the added ones. Of two columns with one name, ML.NET uses the later.</summary>
    public DataViewSchema ToSchema(DataViewSchema input)
    {
        var builder = new DataViewSchema.Builder();
        builder.AddColumns(input);
        builder.AddColumns(_columns);
        return builder.ToSchema();
    }

    public Delegate GetGetter(int index, LazyRow<TOut> row) => _getters[index](row);
}
