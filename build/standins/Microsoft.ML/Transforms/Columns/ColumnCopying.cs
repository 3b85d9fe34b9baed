using Microsoft.ML.Data;

namespace Microsoft.ML.Transforms;

public sealed class ColumnCopyingEstimator : TrivialEstimator<ColumnCopyingTransformer>
{
    private readonly InputOutputColumnPair _pair;

    internal ColumnCopyingEstimator(InputOutputColumnPair pair) : base(new ColumnCopyingTransformer([pair])) => _pair = pair;

    public override SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return inputSchema.With(inputSchema.Find(_pair.InputColumnName).Renamed(_pair.OutputColumnName));
    }
}

public sealed class ColumnCopyingTransformer : OneToOneTransformerBase
{
    internal ColumnCopyingTransformer(InputOutputColumnPair[] columns) : base(columns)
    {
    }

    internal static ITransformer Load(ModelLoadContext ctx) => new ColumnCopyingTransformer(ReadColumns(ctx.Reader));

    private protected override DataViewSchema.DetachedColumn OutputColumn(int pair, DataViewSchema.Column input) =>
        new(Columns[pair].OutputColumnName, input.Type, input.Annotations);

    private protected override Delegate MakeGetter(int pair, DataViewRow row, DataViewSchema.Column input) => Getters.Of(row, input);

    private protected override void SaveModel(ModelSaveContext ctx) => WriteColumns(ctx.Begin(ModelLoaders.CopyColumns));
}
