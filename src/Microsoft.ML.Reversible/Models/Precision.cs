using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

/// <summary>
/// The number type in which the blocks compute. Parameters that are trained, hidden states and optimizer state stay float32.
/// </summary>
public enum Precision
{
    /// <summary>IEEE single precision.</summary>
    Float32,

    /// <summary>bfloat16 inside the blocks and in the head's matrix product.</summary>
    BFloat16,
}

/// <summary>
/// The number type in which a folder's weights are stored. In memory they are float32, except those of a frozen bfloat16 base.
/// </summary>
public enum WeightPrecision
{
    /// <summary>IEEE single precision: the weights as they are, four bytes each.</summary>
    Float32,

    /// <summary>bfloat16, two bytes each: float32's range with eight significant bits, rounded to nearest.</summary>
    BFloat16,

    /// <summary>IEEE half precision, two bytes each: eleven significant bits, and nothing beyond 65,504.</summary>
    Float16,
}

internal static class PrecisionExtensions
{
    public static ScalarType ToScalarType(this Precision precision) =>
        precision == Precision.BFloat16 ? ScalarType.BFloat16 : ScalarType.Float32;

    public static ScalarType ToScalarType(this WeightPrecision precision) => precision switch
    {
        WeightPrecision.Float32 => ScalarType.Float32,
        WeightPrecision.BFloat16 => ScalarType.BFloat16,
        WeightPrecision.Float16 => ScalarType.Float16,
        _ => throw new ArgumentOutOfRangeException(
            nameof(precision), precision, $"precision must be one of {string.Join(", ", Enum.GetNames<WeightPrecision>())}."),
    };

    /// <summary>Returns the tensor in a number type: itself where it has the type, else a copy in the current dispose scope.</summary>
    public static Tensor InType(this Tensor x, ScalarType type) => x.dtype == type ? x : x.to(type);
}
