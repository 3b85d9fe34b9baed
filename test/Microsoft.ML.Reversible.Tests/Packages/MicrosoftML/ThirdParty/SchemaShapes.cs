namespace Microsoft.ML.Reversible.Tests.Packages.MicrosoftML.ThirdParty;

/// <summary>Makes schema shapes with nothing but public members: a loader estimator gives the shape of its loader's schema.</summary>
internal static class SchemaShapes
{
    public static SchemaShape From(DataViewSchema schema) => new SchemaOnlyLoader(schema).Append(new IdentityEstimator()).GetOutputSchema();

    public static SchemaShape With(this SchemaShape input, DataViewSchema added)
    {
        var extra = From(added);
        var names = new HashSet<string>(extra.Select(c => c.Name));
        return new SchemaShape(input.Where(c => !names.Contains(c.Name)).Concat(extra));
    }

    private sealed class SchemaOnlyLoader(DataViewSchema schema) : IDataLoader<object>
    {
        public DataViewSchema GetOutputSchema() => schema;

        public IDataView Load(object input) => throw new NotSupportedException();

        void ICanSaveModel.Save(ModelSaveContext ctx) => throw new NotSupportedException();
    }

    private sealed class IdentityEstimator : IEstimator<ITransformer>
    {
        public ITransformer Fit(IDataView input) => new Data.TransformerChain<ITransformer>();

        public SchemaShape GetOutputSchema(SchemaShape inputSchema) => inputSchema;
    }
}
