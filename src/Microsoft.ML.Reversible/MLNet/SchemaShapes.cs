using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.MLNet;

/// <summary>
/// Makes schema shapes for estimators. The constructor of <see cref="SchemaShape.Column"/> is internal to ML.NET. The only public way to
/// make the columns of a schema's shape is a loader with an estimator appended to it.
/// </summary>
internal static class SchemaShapes
{
    /// <summary>Returns the shape of a schema with its annotations. Key counts and vector sizes are not part of a shape.</summary>
    public static SchemaShape From(DataViewSchema schema) => new SchemaOnlyLoader(schema).Append(new IdentityEstimator()).GetOutputSchema();

    /// <summary>
    /// Returns the input's columns with those of <paramref name="added"/> appended. An added column replaces one of the same name.
    /// </summary>
    public static SchemaShape With(this SchemaShape input, DataViewSchema added)
    {
        SchemaShape extra = From(added);
        var names = extra.Select(column => column.Name).ToHashSet();
        return new SchemaShape(input.Where(column => !names.Contains(column.Name)).Concat(extra));
    }

    /// <summary>Returns the column of this name, or null.</summary>
    public static SchemaShape.Column? Find(this SchemaShape shape, string name)
    {
        foreach (SchemaShape.Column column in shape)
        {
            if (column.Name == name)
                return column;
        }
        return null;
    }

    private sealed class SchemaOnlyLoader(DataViewSchema schema) : IDataLoader<object>
    {
        public DataViewSchema GetOutputSchema() => schema;

        public IDataView Load(object input) => throw new NotSupportedException("This loader only carries a schema.");

        void ICanSaveModel.Save(ModelSaveContext ctx) => throw new NotSupportedException("This loader only carries a schema.");
    }

    private sealed class IdentityEstimator : IEstimator<ITransformer>
    {
        public ITransformer Fit(IDataView input) => new TransformerChain<ITransformer>();

        public SchemaShape GetOutputSchema(SchemaShape inputSchema) => inputSchema;
    }
}
