namespace Microsoft.ML.Data;

public abstract class TrivialEstimator<TTransformer> : IEstimator<TTransformer>
    where TTransformer : class, ITransformer
{
    private protected TrivialEstimator(TTransformer transformer) => Transformer = transformer;

    private protected TTransformer Transformer { get; }

    public TTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        // Not needed for the result: a wrong input shows here and not at the first row.
        Transformer.GetOutputSchema(input.Schema);
        return Transformer;
    }

    public abstract SchemaShape GetOutputSchema(SchemaShape inputSchema);
}

public abstract class RowToRowTransformerBase : ITransformer
{
    private protected RowToRowTransformerBase()
    {
    }

    bool ITransformer.IsRowToRowMapper => true;

    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return MakeRowMapper(inputSchema).OutputSchema();
    }

    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return new MappedView(input, MakeRowMapper(input.Schema));
    }

    IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return new MappedView(new EmptyView(inputSchema), MakeRowMapper(inputSchema));
    }

    void ICanSaveModel.Save(ModelSaveContext ctx) => SaveModel(ctx);

    private protected abstract RowMapper MakeRowMapper(DataViewSchema schema);

    private protected abstract void SaveModel(ModelSaveContext ctx);
}

/// <remarks>One added column for each input column.</remarks>
public abstract class OneToOneTransformerBase : RowToRowTransformerBase
{
    private protected OneToOneTransformerBase(InputOutputColumnPair[] columns)
    {
        ArgumentNullException.ThrowIfNull(columns);
        Columns = columns;
    }

    private protected InputOutputColumnPair[] Columns { get; }

    private protected sealed override RowMapper MakeRowMapper(DataViewSchema schema) => new Mapper(this, schema);

    /// <summary>The column made of this input column; throws where its type does not fit.</summary>
    private protected abstract DataViewSchema.DetachedColumn OutputColumn(int pair, DataViewSchema.Column input);

    private protected abstract Delegate MakeGetter(int pair, DataViewRow row, DataViewSchema.Column input);

    private protected void WriteColumns(BinaryWriter writer)
    {
        writer.Write(Columns.Length);
        foreach (var pair in Columns)
        {
            writer.Write(pair.OutputColumnName);
            writer.Write(pair.InputColumnName);
        }
    }

    private protected static InputOutputColumnPair[] ReadColumns(BinaryReader reader)
    {
        var columns = new InputOutputColumnPair[reader.ReadInt32()];
        for (var i = 0; i < columns.Length; i++)
            columns[i] = new InputOutputColumnPair(reader.ReadString(), reader.ReadString());
        return columns;
    }

    private sealed class Mapper : RowMapper
    {
        private readonly OneToOneTransformerBase _parent;
        private readonly DataViewSchema.Column[] _inputs;

        public Mapper(OneToOneTransformerBase parent, DataViewSchema schema) : base(schema)
        {
            _parent = parent;
            _inputs = parent.Columns.Select(p => schema.GetColumnOrNull(p.InputColumnName)
                ?? throw Errors.SchemaMismatch("inputSchema", "input", p.InputColumnName)).ToArray();
            OutputColumns = _inputs.Select((column, i) => parent.OutputColumn(i, column)).ToArray();
        }

        public override DataViewSchema.DetachedColumn[] OutputColumns { get; }

        public override IEnumerable<int> Dependencies(Func<int, bool> active) => _inputs.Where((_, i) => active(i)).Select(c => c.Index);

        public override Delegate[] CreateGetters(DataViewRow input, Func<int, bool> active) =>
            _inputs.Select((column, i) => active(i) ? _parent.MakeGetter(i, input, column) : null).ToArray();
    }
}
