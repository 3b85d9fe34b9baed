using Microsoft.ML.Data;

namespace Microsoft.ML.Transforms;

public sealed class ValueToKeyMappingEstimator : IEstimator<ValueToKeyMappingTransformer>
{
    private readonly InputOutputColumnPair[] _columns;
    private readonly int _maximum;
    private readonly KeyOrdinality _ordinality;
    private readonly bool _asText;
    private readonly IDataView _keyData;

    internal ValueToKeyMappingEstimator(InputOutputColumnPair[] columns, int maximum, KeyOrdinality ordinality, bool asText,
        IDataView keyData)
    {
        ArgumentNullException.ThrowIfNull(columns);
        if (keyData is not null && keyData.Schema.Count != 1)
            throw new ArgumentOutOfRangeException(nameof(keyData), "Must contain exactly one column");
        _columns = columns;
        _maximum = maximum > 0 ? maximum : throw new ArgumentOutOfRangeException(nameof(maximum), "Must be positive");
        _ordinality = ordinality;
        _asText = asText;
        _keyData = keyData;
    }

    public enum KeyOrdinality : byte
    {
        ByOccurrence = 0,
        ByValue = 1,
    }

    public ValueToKeyMappingTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        var terms = _columns.Select(pair =>
        {
            var column = input.Schema.GetColumnOrNull(pair.InputColumnName)
                ?? throw Errors.SchemaMismatch(nameof(input), "input", pair.InputColumnName);
            var (data, source) = _keyData is null ? (input, column) : (_keyData, _keyData.Schema[0]);
            return KeyTerms.Of(data, source, _maximum, _ordinality == KeyOrdinality.ByValue);
        }).ToArray();
        var transformer = new ValueToKeyMappingTransformer(_columns, terms, _asText);
        transformer.GetOutputSchema(input.Schema);
        return transformer;
    }

    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        var shape = inputSchema;
        foreach (var pair in _columns)
        {
            var column = shape.Find(pair.InputColumnName);
            var values = new SchemaShape.Column(AnnotationNames.KeyValues, SchemaShape.Column.VectorKind.Vector,
                _asText ? TextDataViewType.Instance : column.ItemType, false);
            var kept = column.Annotations.Where(a => a.Name == AnnotationNames.SlotNames);
            shape = shape.With(new SchemaShape.Column(pair.OutputColumnName, column.Kind, NumberDataViewType.UInt32, true,
                new SchemaShape(kept.Append(values))));
        }
        return shape;
    }
}

public sealed class ValueToKeyMappingTransformer : OneToOneTransformerBase
{
    private readonly KeyTerms[] _terms;
    private readonly bool _asText;

    internal ValueToKeyMappingTransformer(InputOutputColumnPair[] columns, KeyTerms[] terms, bool asText) : base(columns)
    {
        _terms = terms;
        _asText = asText;
    }

    internal static ITransformer Load(ModelLoadContext ctx)
    {
        var columns = ReadColumns(ctx.Reader);
        var asText = ctx.Reader.ReadBoolean();
        return new ValueToKeyMappingTransformer(columns, columns.Select(_ => KeyTerms.Read(ctx.Reader)).ToArray(), asText);
    }

    private protected override DataViewSchema.DetachedColumn OutputColumn(int pair, DataViewSchema.Column input)
    {
        if (!input.Type.ItemType().Equals(_terms[pair].ItemType))
            throw Errors.SchemaMismatch("inputSchema", "input", input.Name, _terms[pair].ItemType.ToString(), input.Type.ToString());
        var key = new KeyDataViewType(typeof(uint), Math.Max(1, _terms[pair].Count));
        var annotations = new DataViewSchema.Annotations.Builder();
        annotations.Add(input.Annotations, name => name == AnnotationNames.SlotNames);
        _terms[pair].Annotate(annotations, _asText);
        var type = input.Type is VectorDataViewType vector ? new VectorDataViewType(key, vector.Dimensions) : (DataViewType)key;
        return new(Columns[pair].OutputColumnName, type, annotations.ToAnnotations());
    }

    private protected override Delegate MakeGetter(int pair, DataViewRow row, DataViewSchema.Column input) =>
        _terms[pair].MakeGetter(row, input);

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        var writer = ctx.Begin(ModelLoaders.ValueToKey);
        WriteColumns(writer);
        writer.Write(_asText);
        foreach (var terms in _terms)
            terms.Write(writer);
    }
}
