using Microsoft.ML.Data;
using static Microsoft.ML.SchemaShape.Column;

namespace Microsoft.ML.Transforms;

public sealed class CustomMappingEstimator<TSrc, TDst> : TrivialEstimator<CustomMappingTransformer<TSrc, TDst>>
    where TSrc : class, new()
    where TDst : class, new()
{
    internal CustomMappingEstimator(Action<TSrc, TDst> mapAction, string contractName, SchemaDefinition inputDefinition,
        SchemaDefinition outputDefinition)
        : base(new CustomMappingTransformer<TSrc, TDst>(mapAction, contractName, inputDefinition, outputDefinition))
    {
    }

    public override SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        foreach (var member in Transformer.InputColumns)
        {
            var column = inputSchema.Find(member.Name);
            var wanted = SchemaShape.Column.Of(member.Name, member.Type, null);
            if (wanted.ItemType.Equals(column.ItemType) && wanted.IsKey == column.IsKey && Fits(wanted.Kind, column.Kind))
                continue;
            throw Errors.SchemaMismatch(nameof(inputSchema), "input", member.Name, member.Type.ToString(), column.GetTypeString());
        }
        return inputSchema.With(SchemaShape.Create(Transformer.AddedSchema).ToArray());
    }

    // A vector of any size may be given one of a known size.
    private static bool Fits(VectorKind wanted, VectorKind given) =>
        wanted == given || wanted == VectorKind.VariableVector && given == VectorKind.Vector;
}
