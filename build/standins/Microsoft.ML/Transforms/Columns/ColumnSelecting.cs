using Microsoft.ML.Data;

namespace Microsoft.ML.Transforms;

public sealed class ColumnSelectingEstimator : TrivialEstimator<ColumnSelectingTransformer>
{
    internal ColumnSelectingEstimator(string[] keep, string[] drop, bool keepHidden)
        : base(new ColumnSelectingTransformer(keep, drop, keepHidden))
    {
    }

    public override SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        foreach (var name in Transformer.Names)
            inputSchema.Find(name);
        return Transformer.IsDrop
            ? new SchemaShape(inputSchema.Where(c => !Transformer.Names.Contains(c.Name)))
            : new SchemaShape(Transformer.Names.Select(inputSchema.Find));
    }
}

public sealed class ColumnSelectingTransformer : ITransformer
{
    private readonly bool _keepHidden;

    internal ColumnSelectingTransformer(string[] keep, string[] drop, bool keepHidden)
    {
        IsDrop = keep is null;
        Names = keep ?? drop ?? throw new ArgumentNullException(nameof(drop));
        _keepHidden = keepHidden;
    }

    bool ITransformer.IsRowToRowMapper => true;

    internal bool IsDrop { get; }

    internal string[] Names { get; }

    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return SelectedView.SchemaOf(inputSchema, Sources(inputSchema));
    }

    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return new SelectedView(input, Sources(input.Schema));
    }

    IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema) =>
        new SelectedView(new EmptyView(inputSchema), Sources(inputSchema));

    void ICanSaveModel.Save(ModelSaveContext ctx)
    {
        var writer = ctx.Begin(ModelLoaders.SelectColumns);
        writer.Write(IsDrop);
        writer.Write(_keepHidden);
        writer.Write(Names.Length);
        foreach (var name in Names)
            writer.Write(name);
    }

    internal static ITransformer Load(ModelLoadContext ctx)
    {
        var isDrop = ctx.Reader.ReadBoolean();
        var keepHidden = ctx.Reader.ReadBoolean();
        var names = new string[ctx.Reader.ReadInt32()];
        for (var i = 0; i < names.Length; i++)
            names[i] = ctx.Reader.ReadString();
        return new ColumnSelectingTransformer(isDrop ? null : names, isDrop ? names : null, keepHidden);
    }

    private int[] Sources(DataViewSchema schema)
    {
        foreach (var name in Names)
        {
            if (schema.GetColumnOrNull(name) is null)
                throw Errors.SchemaMismatch("inputSchema", "input", name);
        }
        if (IsDrop)
            return schema.Where(c => (_keepHidden || !c.IsHidden) && !Names.Contains(c.Name)).Select(c => c.Index).ToArray();
        return Names.SelectMany(n => schema.Where(c => c.Name == n && (_keepHidden || !c.IsHidden))).Select(c => c.Index).ToArray();
    }
}
