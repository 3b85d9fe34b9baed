using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

/// <summary>The number type in which the blocks compute. Parameters, streams and optimizer state are float32 in either case.</summary>
public enum Precision
{
    /// <summary>IEEE single precision.</summary>
    Float32,

    /// <summary>bfloat16 inside the blocks and in the head's matrix product.</summary>
    BFloat16,
}

internal static class PrecisionExtensions
{
    public static ScalarType ToScalarType(this Precision precision) =>
        precision == Precision.BFloat16 ? ScalarType.BFloat16 : ScalarType.Float32;
}
