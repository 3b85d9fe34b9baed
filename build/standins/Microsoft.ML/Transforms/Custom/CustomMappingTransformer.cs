using Microsoft.ML.Data;

namespace Microsoft.ML.Transforms;

public sealed class CustomMappingTransformer<TSrc, TDst> : ITransformer
    where TSrc : class, new()
    where TDst : class, new()
{
    private readonly Action<TSrc, TDst> _mapAction;
    private readonly string _contractName;
    private readonly SchemaDefinition _inputDefinition;
    private readonly ObjectColumns<TDst> _added;

    internal CustomMappingTransformer(Action<TSrc, TDst> mapAction, string contractName, SchemaDefinition inputDefinition,
        SchemaDefinition outputDefinition)
    {
        ArgumentNullException.ThrowIfNull(mapAction);
        _mapAction = mapAction;
        _contractName = contractName;
        _inputDefinition = inputDefinition;
        _added = new ObjectColumns<TDst>(outputDefinition ?? SchemaDefinition.Create(typeof(TDst), SchemaDefinition.Direction.Write));
    }

    bool ITransformer.IsRowToRowMapper => true;

    internal DataViewSchema AddedSchema => _added.Schema;

    internal MemberColumn[] InputColumns => MemberColumn.Of(typeof(TSrc), _inputDefinition ?? SchemaDefinition.Create(typeof(TSrc)));

    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return new Mapper(this, inputSchema).OutputSchema();
    }

    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return new MappedView(input, new Mapper(this, input.Schema));
    }

    IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return new MappedView(new EmptyView(inputSchema), new Mapper(this, inputSchema));
    }

    void ICanSaveModel.Save(ModelSaveContext ctx)
    {
        if (_contractName is null)
            throw new InvalidOperationException("Empty contract name for a transform: the transform cannot be saved");
        var writer = ctx.Begin(ModelLoaders.CustomMapping);
        writer.Write(_contractName);
        writer.Write(_mapAction.Method.DeclaringType.Assembly.FullName);
    }

    private sealed class Mapper(CustomMappingTransformer<TSrc, TDst> parent, DataViewSchema inputSchema) : RowMapper(inputSchema)
    {
        private readonly ObjectBinding<TSrc> _binding = new(inputSchema, ignoreMissingColumns: false, parent._inputDefinition);

        public override DataViewSchema.DetachedColumn[] OutputColumns { get; } =
            parent.AddedSchema.Select(c => new DataViewSchema.DetachedColumn(c)).ToArray();

        public override IEnumerable<int> Dependencies(Func<int, bool> active) =>
            Enumerable.Range(0, OutputColumns.Length).Any(active) ? _binding.Columns.Select(c => c.Index) : [];

        public override Delegate[] CreateGetters(DataViewRow input, Func<int, bool> active)
        {
            var getters = new Delegate[OutputColumns.Length];
            if (!Enumerable.Range(0, getters.Length).Any(active))
                return getters;
            var fill = _binding.Filler(input);
            var source = new TSrc();
            var target = new TDst();
            // Position and not MoveNext says that the row is another one: a mapped single row has no MoveNext.
            var last = -1L;
            TDst Current()
            {
                if (last == input.Position)
                    return target;
                fill(source);
                parent._mapAction(source, target);
                last = input.Position;
                return target;
            }
            for (var i = 0; i < getters.Length; i++)
            {
                if (active(i))
                {
                    var column = parent.AddedSchema[i];
                    getters[i] = (Delegate)TypeMap.Call(typeof(CustomMappingTransformer<TSrc, TDst>), nameof(Getter), [column.Type.RawType],
                        parent._added, column, (Func<TDst>)Current);
                }
            }
            return getters;
        }
    }

    private static Delegate Getter<TValue>(ObjectColumns<TDst> added, DataViewSchema.Column column, Func<TDst> current) =>
        added.Getter<TValue>(column, current);
}
