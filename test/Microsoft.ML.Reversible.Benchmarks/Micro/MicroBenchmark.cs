using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Benchmarks.Micro;

/// <summary>Base class of the microbenchmarks.</summary>
/// <remarks>They run in this process, so their common settings can be static; BenchmarkDotNet's attributes cannot hold them.</remarks>
public abstract class MicroBenchmark
{
    /// <summary>The device.</summary>
    internal static string DeviceName { get; set; } = "cpu";

    /// <summary>Whether sizes are small: large enough to check that everything runs, too small to measure speed.</summary>
    internal static bool IsSmall { get; set; }

    private protected static Device Device => torch.device(DeviceName);

    /// <summary>Returns the size, or the small one.</summary>
    private protected static int Size(int size, int small) => IsSmall ? small : size;

    /// <summary>Waits for the device: the timed code only starts its kernels.</summary>
    private protected static void Finish()
    {
        if (Device.type == DeviceType.CUDA) cuda.synchronize(Device);
    }
}
