using Microsoft.ML.Data;

namespace Microsoft.ML.Transforms.Text;

public sealed class WordTokenizingEstimator : TrivialEstimator<WordTokenizingTransformer>
{
    private readonly InputOutputColumnPair _pair;

    internal WordTokenizingEstimator(InputOutputColumnPair pair, char[] separators)
        : base(new WordTokenizingTransformer([pair], separators ?? [' '])) =>
        _pair = pair;

    public override SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        var column = inputSchema.Find(_pair.InputColumnName);
        if (column.ItemType is not TextDataViewType || column.Kind != SchemaShape.Column.VectorKind.Scalar)
            throw Errors.SchemaMismatch(nameof(inputSchema), "input", column.Name, "String", column.GetTypeString());
        return inputSchema.With(new SchemaShape.Column(
            _pair.OutputColumnName, SchemaShape.Column.VectorKind.VariableVector, TextDataViewType.Instance, false));
    }
}

public sealed class WordTokenizingTransformer : OneToOneTransformerBase
{
    private readonly char[] _separators;

    internal WordTokenizingTransformer(InputOutputColumnPair[] columns, char[] separators) : base(columns) => _separators = separators;

    internal static ITransformer Load(ModelLoadContext ctx)
    {
        var columns = ReadColumns(ctx.Reader);
        return new WordTokenizingTransformer(columns, ctx.Reader.ReadString().ToCharArray());
    }

    private protected override DataViewSchema.DetachedColumn OutputColumn(int pair, DataViewSchema.Column input)
    {
        if (input.Type is not TextDataViewType)
            throw Errors.SchemaMismatch("inputSchema", "input", input.Name, "String", input.Type.ToString());
        return new(Columns[pair].OutputColumnName, new VectorDataViewType(TextDataViewType.Instance));
    }

    private protected override Delegate MakeGetter(int pair, DataViewRow row, DataViewSchema.Column input)
    {
        var getter = row.GetGetter<ReadOnlyMemory<char>>(input);
        ReadOnlyMemory<char> text = default;
        return (ValueGetter<VBuffer<ReadOnlyMemory<char>>>)((ref VBuffer<ReadOnlyMemory<char>> value) =>
        {
            getter(ref text);
            var words = text.ToString().Split(_separators, StringSplitOptions.RemoveEmptyEntries);
            VBuffer<ReadOnlyMemory<char>>.Copy(Array.ConvertAll(words, w => w.AsMemory()), 0, ref value, words.Length);
        });
    }

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        var writer = ctx.Begin(ModelLoaders.TokenizeWords);
        WriteColumns(writer);
        writer.Write(new string(_separators));
    }
}
