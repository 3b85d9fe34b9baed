using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

/// <summary>The number type in which a folder's weights are stored. In memory they are float32 in any case.</summary>
public enum WeightPrecision
{
    /// <summary>IEEE single precision: the weights as they are, four bytes each.</summary>
    Float32,

    /// <summary>bfloat16, two bytes each: float32's range with eight significant bits, rounded to nearest.</summary>
    BFloat16,

    /// <summary>IEEE half precision, two bytes each: eleven significant bits, and nothing beyond 65,504.</summary>
    Float16,
}

internal static class WeightPrecisionExtensions
{
    public static ScalarType ToScalarType(this WeightPrecision precision) => precision switch
    {
        WeightPrecision.Float32 => ScalarType.Float32,
        WeightPrecision.BFloat16 => ScalarType.BFloat16,
        WeightPrecision.Float16 => ScalarType.Float16,
        _ => throw new ArgumentOutOfRangeException(
            nameof(precision), precision, $"precision must be one of {string.Join(", ", Enum.GetNames<WeightPrecision>())}."),
    };
}
