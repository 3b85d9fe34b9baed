using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Kernels;

/// <summary>The vector functions that libtorch takes from MKL on Intel processors.</summary>
internal static class VectorMath
{
    private static readonly Lazy<bool> _ready = new(CallEach);

    /// <summary>Makes the first call of each, unless that is done.</summary>
    /// <remarks>
    /// Such a function sets itself up on its first call. Where that one is split over threads, it gives other last bits now and then: the
    /// first exp in 3 of 25 processes with libtorch 2.11 on 16 cores. A few numbers are not split.
    /// </remarks>
    public static void MakeReady() => _ = _ready.Value;

    private static bool CallEach()
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        foreach (ScalarType type in new[] { ScalarType.Float32, ScalarType.Float64 })
        {
            Tensor numbers = ones(8, dtype: type, device: CPU);
            numbers.exp();
            numbers.log();
            numbers.sin();
            numbers.cos();
            numbers.sqrt();
            numbers.tanh();
            numbers.erf();
        }
        return true;
    }
}
