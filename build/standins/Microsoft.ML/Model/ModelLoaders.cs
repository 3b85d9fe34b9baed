using Microsoft.ML.Data;
using Microsoft.ML.Transforms;
using Microsoft.ML.Transforms.Text;

namespace Microsoft.ML;

/// <summary>Which saved name is loaded by which method.</summary>
internal static class ModelLoaders
{
    public const string TransformerChain = "TransformerChain";
    public const string CopyColumns = "CopyColumns";
    public const string SelectColumns = "SelectColumns";
    public const string Concatenate = "Concatenate";
    public const string CustomMapping = "CustomMapping";
    public const string ValueMapping = "ValueMapping";
    public const string ValueToKey = "ValueToKey";
    public const string KeyToValue = "KeyToValue";
    public const string ConvertType = "ConvertType";
    public const string NormalizeText = "NormalizeText";
    public const string TokenizeWords = "TokenizeWords";
    public const string CompositeLoader = "CompositeLoader";
    public const string TextLoader = "TextLoader";

    public static Func<ModelLoadContext, object> Find(string signature) => signature switch
    {
        TransformerChain => Data.TransformerChain.Load,
        CopyColumns => ColumnCopyingTransformer.Load,
        SelectColumns => ColumnSelectingTransformer.Load,
        Concatenate => ColumnConcatenatingTransformer.Load,
        CustomMapping => CustomMappingLoader.Load,
        ValueMapping => ValueMappingTransformer.Load,
        ValueToKey => ValueToKeyMappingTransformer.Load,
        KeyToValue => KeyToValueMappingTransformer.Load,
        ConvertType => TypeConvertingTransformer.Load,
        NormalizeText => TextNormalizingTransformer.Load,
        TokenizeWords => WordTokenizingTransformer.Load,
        CompositeLoader => CompositeLoaderParts.Load,
        TextLoader => Data.TextLoader.LoadModel,
        _ => throw new FormatException($"Unknown loadable class: {signature}"),
    };
}
