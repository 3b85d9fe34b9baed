using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Benchmarks.Micro;

/// <summary>A small piece that is timed by itself.</summary>
/// <remarks>It is timed in this process, so what all of them go by can be static: attributes have no place for it.</remarks>
public abstract class MicroBenchmark
{
    /// <summary>Where to compute.</summary>
    internal static string DeviceName { get; set; } = "cpu";

    /// <summary>Whether sizes are small: enough to see that everything runs, too small to say anything of speed.</summary>
    internal static bool IsSmall { get; set; }

    private protected static Device Device => torch.device(DeviceName);

    /// <summary>A size, or the small one.</summary>
    private protected static int Size(int size, int small) => IsSmall ? small : size;

    /// <summary>Waits for the device, whose kernels are only started by what is timed.</summary>
    private protected static void Finish()
    {
        if (Device.type == DeviceType.CUDA) cuda.synchronize(Device);
    }
}
