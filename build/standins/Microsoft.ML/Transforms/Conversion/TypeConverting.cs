using System.Globalization;
using Microsoft.ML.Data;

namespace Microsoft.ML.Transforms;

public sealed class TypeConvertingEstimator : TrivialEstimator<TypeConvertingTransformer>
{
    private readonly InputOutputColumnPair[] _columns;
    private readonly DataKind _kind;

    internal TypeConvertingEstimator(InputOutputColumnPair[] columns, DataKind kind) : base(new TypeConvertingTransformer(columns, kind))
    {
        _columns = columns;
        _kind = kind;
    }

    public override SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return _columns.Aggregate(inputSchema, (shape, pair) =>
            shape.With(new SchemaShape.Column(pair.OutputColumnName, shape.Find(pair.InputColumnName).Kind, TypeMap.OfKind(_kind), false)));
    }
}

public sealed class TypeConvertingTransformer : OneToOneTransformerBase
{
    private readonly DataKind _kind;

    internal TypeConvertingTransformer(InputOutputColumnPair[] columns, DataKind kind) : base(columns) => _kind = kind;

    internal static ITransformer Load(ModelLoadContext ctx)
    {
        var columns = ReadColumns(ctx.Reader);
        return new TypeConvertingTransformer(columns, (DataKind)ctx.Reader.ReadByte());
    }

    private protected override DataViewSchema.DetachedColumn OutputColumn(int pair, DataViewSchema.Column input)
    {
        var item = TypeMap.OfKind(_kind);
        var type = input.Type is VectorDataViewType vector ? new VectorDataViewType(item, vector.Dimensions) : (DataViewType)item;
        return new(Columns[pair].OutputColumnName, type);
    }

    private protected override Delegate MakeGetter(int pair, DataViewRow row, DataViewSchema.Column input) => (Delegate)TypeMap.Call(
        typeof(TypeConvertingTransformer), input.Type is VectorDataViewType ? nameof(VectorGetter) : nameof(ScalarGetter),
        [input.Type.ItemType().RawType, TypeMap.OfKind(_kind).RawType], row, input);

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        var writer = ctx.Begin(ModelLoaders.ConvertType);
        WriteColumns(writer);
        writer.Write((byte)_kind);
    }

    private static Delegate ScalarGetter<TFrom, TTo>(DataViewRow row, DataViewSchema.Column input)
    {
        var getter = row.GetGetter<TFrom>(input);
        TFrom source = default;
        return (ValueGetter<TTo>)((ref TTo value) =>
        {
            getter(ref source);
            value = Convert<TFrom, TTo>(source);
        });
    }

    private static Delegate VectorGetter<TFrom, TTo>(DataViewRow row, DataViewSchema.Column input)
    {
        var getter = row.GetGetter<VBuffer<TFrom>>(input);
        VBuffer<TFrom> source = default;
        return (ValueGetter<VBuffer<TTo>>)((ref VBuffer<TTo> value) =>
        {
            getter(ref source);
            var editor = VBufferEditor.Create(ref value, source.Length);
            for (var i = 0; i < source.Length; i++)
                editor.Values[i] = Convert<TFrom, TTo>(source.GetItemOrDefault(i));
            value = editor.Commit();
        });
    }

    private static TTo Convert<TFrom, TTo>(TFrom source)
    {
        object value = source is ReadOnlyMemory<char> text ? text.ToString() : source;
        if (typeof(TTo) == typeof(ReadOnlyMemory<char>))
            return (TTo)(object)System.Convert.ToString(value, CultureInfo.InvariantCulture).AsMemory();
        if (value is string word && (typeof(TTo) == typeof(float) || typeof(TTo) == typeof(double)))
            value = double.TryParse(word, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : double.NaN;
        return (TTo)System.Convert.ChangeType(value, typeof(TTo), CultureInfo.InvariantCulture);
    }
}
