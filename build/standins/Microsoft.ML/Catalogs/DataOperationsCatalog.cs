using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

public sealed class DataOperationsCatalog
{
    internal DataOperationsCatalog(IHostEnvironment env) => Environment = env;

    internal IHostEnvironment Environment { get; }

    public IDataView LoadFromEnumerable<TRow>(IEnumerable<TRow> data, SchemaDefinition schemaDefinition = null)
        where TRow : class
    {
        ArgumentNullException.ThrowIfNull(data);
        return new EnumerableView<TRow>(data, new ObjectColumns<TRow>(schemaDefinition));
    }

    public IDataView LoadFromEnumerable<TRow>(IEnumerable<TRow> data, DataViewSchema schema)
        where TRow : class
        => LoadFromEnumerable(data, SchemaDefinition.Like(typeof(TRow), schema));

    public IEnumerable<TRow> CreateEnumerable<TRow>(IDataView data, bool reuseRowObject, bool ignoreMissingColumns = false,
        SchemaDefinition schemaDefinition = null)
        where TRow : class, new()
    {
        ArgumentNullException.ThrowIfNull(data);
        return Rows(data, reuseRowObject, new ObjectBinding<TRow>(data.Schema, ignoreMissingColumns, schemaDefinition));
    }

    public IDataView Cache(IDataView input, params string[] columnsToPrefetch)
    {
        ArgumentNullException.ThrowIfNull(input);
        foreach (var name in columnsToPrefetch ?? [])
        {
            if (input.Schema.GetColumnOrNull(name) is null)
                throw Errors.SchemaMismatch(nameof(columnsToPrefetch), "prefetch", name);
        }
        return new StoredView(input);
    }

    public IDataView ShuffleRows(IDataView input, int? seed = null, int shufflePoolSize = 1000, bool shuffleSource = true)
    {
        ArgumentNullException.ThrowIfNull(input);
        if (shufflePoolSize <= 0)
            throw new ArgumentOutOfRangeException(nameof(shufflePoolSize), "Must be positive");
        return new ShuffledView(input, seed ?? NewSeed());
    }

    public IDataView TakeRows(IDataView input, long count) => new RowRangeView(Checked(input, count), 0, count);

    public IDataView SkipRows(IDataView input, long count) => new RowRangeView(Checked(input, count), count, long.MaxValue);

    public IDataView FilterRowsByColumn(IDataView input, string columnName, double lowerBound = double.NegativeInfinity,
        double upperBound = double.PositiveInfinity)
    {
        ArgumentNullException.ThrowIfNull(input);
        var column = input.Schema.GetColumnOrNull(columnName) ?? throw Errors.SchemaMismatch(nameof(columnName), "filter", columnName);
        if (column.Type != NumberDataViewType.Single && column.Type != NumberDataViewType.Double)
            throw Errors.SchemaMismatch(nameof(columnName), "filter", columnName, "Single or Double", column.Type.ToString());
        return new FilteredView(input, [column], row =>
        {
            var value = Getters.Boxed(row, column);
            return () => Convert.ToDouble(value()) is var number && lowerBound <= number && number < upperBound;
        });
    }

    public TrainTestData TrainTestSplit(IDataView data, double testFraction = 0.1, string samplingKeyColumnName = null, int? seed = null)
    {
        ArgumentNullException.ThrowIfNull(data);
        if (testFraction is not (> 0 and < 1))
            throw new ArgumentOutOfRangeException(nameof(testFraction), "Must be between 0 and 1 exclusive");
        var key = samplingKeyColumnName is null
            ? (DataViewSchema.Column?)null
            : data.Schema.GetColumnOrNull(samplingKeyColumnName)
              ?? throw Errors.SchemaMismatch(nameof(samplingKeyColumnName), "sampling key", samplingKeyColumnName);
        var drawSeed = seed ?? NewSeed();
        return new TrainTestData(
            SplitRows.View(data, key, drawSeed, fraction => fraction >= testFraction),
            SplitRows.View(data, key, drawSeed, fraction => fraction < testFraction));
    }

    private static IEnumerable<TRow> Rows<TRow>(IDataView data, bool reuseRowObject, ObjectBinding<TRow> binding)
        where TRow : class, new()
    {
        using var cursor = data.GetRowCursor(binding.Columns);
        var fill = binding.Filler(cursor);
        TRow row = null;
        while (cursor.MoveNext())
        {
            if (!reuseRowObject || row is null)
                row = new TRow();
            fill(row);
            yield return row;
        }
    }

    private static IDataView Checked(IDataView input, long count)
    {
        ArgumentNullException.ThrowIfNull(input);
        if (count < 0)
            throw new ArgumentOutOfRangeException(nameof(count), "Must be non-negative");
        return input;
    }

    private int NewSeed() => Environment.Register("Data").Rand.Next();

    public readonly struct TrainTestData
    {
        public readonly IDataView TrainSet;
        public readonly IDataView TestSet;

        internal TrainTestData(IDataView trainSet, IDataView testSet)
        {
            TrainSet = trainSet;
            TestSet = testSet;
        }
    }
}
