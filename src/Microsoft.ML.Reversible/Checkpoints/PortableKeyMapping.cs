using Microsoft.ML.Data;
using Microsoft.ML.Transforms;

namespace Microsoft.ML.Reversible.Checkpoints;

/// <summary>The input of a mapping that reads nothing.</summary>
internal sealed class NoColumns
{
}

/// <summary>The constant by which the chain's value mapping finds the archive.</summary>
internal sealed class PortableKeyRow
{
    [ColumnName(PortableChain.KeyColumn)]
    public string Key { get; set; } = "";
}

/// <summary>Adds the constant key. ML.NET finds this class by its contract's name, so that name is part of the file format.</summary>
[CustomMappingFactoryAttribute(Contract)]
internal sealed class PortableKeyMapping : CustomMappingFactory<NoColumns, PortableKeyRow>
{
    public const string Contract = "Microsoft.ML.Reversible.Key.v1";

    public static void Map(NoColumns input, PortableKeyRow output) => output.Key = PortableChain.ArchiveKey;

    public override Action<NoColumns, PortableKeyRow> GetMapping() => Map;
}
