using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Kernels;

/// <summary>The vector functions of MKL, which libtorch uses on Intel processors.</summary>
internal static class VectorMath
{
    private static readonly Lazy<bool> _ready = new(CallEach);

    /// <summary>Calls each function once per process.</summary>
    /// <remarks>
    /// A function initializes itself in its first call. If that call is split over threads, its last bits sometimes differ: the first
    /// exp in 3 of 25 processes with libtorch 2.11 on 16 cores. A call on a few numbers is not split.
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
