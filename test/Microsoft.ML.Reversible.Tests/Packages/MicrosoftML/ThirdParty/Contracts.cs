using Microsoft.ML.Data;
using Microsoft.ML.Transforms;

namespace Microsoft.ML.Reversible.Tests.Packages.MicrosoftML.ThirdParty;

public sealed class Nothing
{
}

public sealed class KeyColumn
{
    [ColumnName("__test_key")]
    public string Key { get; set; } = "";
}

public sealed class RepeatInput
{
    [ColumnName("__test_text")]
    public ReadOnlyMemory<char> Text { get; set; }

    [ColumnName("__test_state")]
    public ReadOnlyMemory<char> State { get; set; }
}

public sealed class RepeatOutput
{
    public string Repeated { get; set; } = "";

    public int Letters { get; set; }
}

[CustomMappingFactoryAttribute("Microsoft.ML.Reversible.Tests.Key.v1")]
public sealed class KeyFactory : CustomMappingFactory<Nothing, KeyColumn>
{
    public static void Map(Nothing input, KeyColumn output) => output.Key = "m";

    public override Action<Nothing, KeyColumn> GetMapping() => Map;
}

[CustomMappingFactoryAttribute("Microsoft.ML.Reversible.Tests.Repeat.v1")]
public sealed class RepeatFactory : CustomMappingFactory<RepeatInput, RepeatOutput>
{
    public static void Map(RepeatInput input, RepeatOutput output)
    {
        output.Repeated = $"{input.State}{input.Text}";
        output.Letters = input.Text.Length;
    }

    public override Action<RepeatInput, RepeatOutput> GetMapping() => Map;
}

/// <summary>A live transformer that saves itself as a chain of the package's own, its state a value in a lookup.</summary>
internal sealed class PortableTransformer : LengthTransformer
{
    private readonly ICanSaveModel _portable;

    public PortableTransformer(MLContext ml, string column, string state) : base(column, "Letters") =>
        _portable = Portable(ml, column, state);

    public override void Save(ModelSaveContext ctx) => _portable.Save(ctx);

    public static TransformerChain<ITransformer> Portable(MLContext ml, string column, string state)
    {
        var estimator = ml.Transforms.CustomMapping<Nothing, KeyColumn>(KeyFactory.Map, "Microsoft.ML.Reversible.Tests.Key.v1")
            .Append(ml.Transforms.Conversion.MapValue("__test_state", [new KeyValuePair<string, string>("m", state)], "__test_key"))
            .Append(ml.Transforms.CopyColumns("__test_text", column))
            .Append(ml.Transforms.CustomMapping<RepeatInput, RepeatOutput>(RepeatFactory.Map, "Microsoft.ML.Reversible.Tests.Repeat.v1"))
            .Append(ml.Transforms.DropColumns("__test_key", "__test_state", "__test_text"));
        return new TransformerChain<ITransformer>(estimator.Fit(new WordsView(column)).ToArray());
    }
}
