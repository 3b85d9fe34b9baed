using Microsoft.ML.Data;

namespace Microsoft.ML.Transforms;

public class ValueMappingEstimator : TrivialEstimator<ValueMappingTransformer>
{
    private readonly InputOutputColumnPair[] _columns;

    internal ValueMappingEstimator(ValueLookup lookup, InputOutputColumnPair[] columns)
        : base(new ValueMappingTransformer(lookup, columns)) =>
        _columns = columns;

    public sealed override SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        var shape = inputSchema;
        var value = SchemaShape.Create(Transformer.Lookup.ValueSchema)[0];
        foreach (var pair in _columns)
        {
            var column = shape.Find(pair.InputColumnName);
            if (column.Kind != SchemaShape.Column.VectorKind.Scalar || !column.ItemType.Equals(Transformer.Lookup.KeyType))
                throw Errors.SchemaMismatch(nameof(inputSchema), "input", column.Name, Transformer.Lookup.KeyType.ToString(),
                    column.GetTypeString());
            shape = shape.With(value.Renamed(pair.OutputColumnName));
        }
        return shape;
    }
}

public sealed class ValueMappingEstimator<TKey, TValue> : ValueMappingEstimator
{
    internal ValueMappingEstimator(ValueLookup lookup, InputOutputColumnPair[] columns) : base(lookup, columns)
    {
    }
}

public sealed class ValueMappingTransformer : OneToOneTransformerBase
{
    internal ValueMappingTransformer(ValueLookup lookup, InputOutputColumnPair[] columns) : base(columns) => Lookup = lookup;

    internal ValueLookup Lookup { get; }

    internal static ITransformer Load(ModelLoadContext ctx)
    {
        var columns = ReadColumns(ctx.Reader);
        return new ValueMappingTransformer(ValueLookup.Read(ctx.Reader), columns);
    }

    private protected override DataViewSchema.DetachedColumn OutputColumn(int pair, DataViewSchema.Column input)
    {
        if (!input.Type.Equals(Lookup.KeyType))
            throw Errors.SchemaMismatch("inputSchema", "input", input.Name, Lookup.KeyType.ToString(), input.Type.ToString());
        var value = Lookup.ValueSchema[0];
        return new(Columns[pair].OutputColumnName, value.Type, value.Annotations);
    }

    private protected override Delegate MakeGetter(int pair, DataViewRow row, DataViewSchema.Column input) => Lookup.MakeGetter(row, input);

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        var writer = ctx.Begin(ModelLoaders.ValueMapping);
        WriteColumns(writer);
        Lookup.Write(writer);
    }
}
