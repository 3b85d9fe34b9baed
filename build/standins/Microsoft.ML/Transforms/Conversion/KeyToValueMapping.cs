using Microsoft.ML.Data;

namespace Microsoft.ML.Transforms;

public sealed class KeyToValueMappingEstimator : TrivialEstimator<KeyToValueMappingTransformer>
{
    private readonly InputOutputColumnPair[] _columns;

    internal KeyToValueMappingEstimator(InputOutputColumnPair[] columns) : base(new KeyToValueMappingTransformer(columns)) =>
        _columns = columns;

    public override SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        var shape = inputSchema;
        foreach (var pair in _columns)
        {
            var column = shape.Find(pair.InputColumnName);
            if (!column.IsKey)
                throw Errors.SchemaMismatch(nameof(inputSchema), "input", column.Name, "key type", column.GetTypeString());
            if (!column.Annotations.TryFindColumn(AnnotationNames.KeyValues, out var values))
                throw new ArgumentOutOfRangeException(nameof(inputSchema),
                    $"Input column '{column.Name}' doesn't contain key values metadata");
            var kept = new SchemaShape(column.Annotations.Where(a => a.Name == AnnotationNames.SlotNames));
            shape = shape.With(new SchemaShape.Column(pair.OutputColumnName, column.Kind, values.ItemType, values.IsKey, kept));
        }
        return shape;
    }
}

public sealed class KeyToValueMappingTransformer : OneToOneTransformerBase
{
    internal KeyToValueMappingTransformer(InputOutputColumnPair[] columns) : base(columns)
    {
    }

    internal static ITransformer Load(ModelLoadContext ctx) => new KeyToValueMappingTransformer(ReadColumns(ctx.Reader));

    private protected override DataViewSchema.DetachedColumn OutputColumn(int pair, DataViewSchema.Column input)
    {
        if (input.Type.ItemType() is not KeyDataViewType)
            throw Errors.SchemaMismatch("inputSchema", "input", input.Name, "key type", input.Type.ToString());
        var item = ValuesType(input);
        var annotations = new DataViewSchema.Annotations.Builder();
        annotations.Add(input.Annotations, name => name == AnnotationNames.SlotNames);
        var type = input.Type is VectorDataViewType vector ? new VectorDataViewType(item, vector.Dimensions) : (DataViewType)item;
        return new(Columns[pair].OutputColumnName, type, annotations.ToAnnotations());
    }

    private protected override Delegate MakeGetter(int pair, DataViewRow row, DataViewSchema.Column input) => (Delegate)TypeMap.Call(
        typeof(KeyToValueMappingTransformer), input.Type is VectorDataViewType ? nameof(VectorGetter) : nameof(ScalarGetter),
        [input.Type.ItemType().RawType, ValuesType(input).RawType], row, input);

    private protected override void SaveModel(ModelSaveContext ctx) => WriteColumns(ctx.Begin(ModelLoaders.KeyToValue));

    private static PrimitiveDataViewType ValuesType(DataViewSchema.Column input) =>
        (input.Annotations.Schema.GetColumnOrNull(AnnotationNames.KeyValues)?.Type as VectorDataViewType)?.ItemType
        ?? throw new ArgumentOutOfRangeException("inputSchema", $"Input column '{input.Name}' doesn't contain key values metadata");

    private static Delegate ScalarGetter<TKey, TValue>(DataViewRow row, DataViewSchema.Column input)
        where TKey : struct, IConvertible
    {
        var getter = row.GetGetter<TKey>(input);
        var find = Finder<TKey, TValue>(input);
        TKey key = default;
        return (ValueGetter<TValue>)((ref TValue value) =>
        {
            getter(ref key);
            value = find(key);
        });
    }

    private static Delegate VectorGetter<TKey, TValue>(DataViewRow row, DataViewSchema.Column input)
        where TKey : struct, IConvertible
    {
        var getter = row.GetGetter<VBuffer<TKey>>(input);
        var find = Finder<TKey, TValue>(input);
        VBuffer<TKey> keys = default;
        return (ValueGetter<VBuffer<TValue>>)((ref VBuffer<TValue> value) =>
        {
            getter(ref keys);
            var editor = VBufferEditor.Create(ref value, keys.Length);
            for (var i = 0; i < keys.Length; i++)
                editor.Values[i] = find(keys.GetItemOrDefault(i));
            value = editor.Commit();
        });
    }

    private static Func<TKey, TValue> Finder<TKey, TValue>(DataViewSchema.Column input)
        where TKey : struct, IConvertible
    {
        VBuffer<TValue> values = default;
        input.GetKeyValues(ref values);
        return key =>
        {
            var index = Convert.ToUInt64(key);
            return index == 0 || index > (ulong)values.Length ? Missing.Value<TValue>() : values.GetItemOrDefault((int)(index - 1));
        };
    }
}
