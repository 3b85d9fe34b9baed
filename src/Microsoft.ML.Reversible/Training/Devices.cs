using System.Globalization;
using Microsoft.ML.Reversible.Kernels;
using Microsoft.ML.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Training;

/// <summary>Chooses the device that a model computes on: the option's, or else the context's GPU, or else the CPU.</summary>
internal static class Devices
{
    /// <summary>Resolves a device and checks that it exists.</summary>
    /// <exception cref="InvalidOperationException">
    /// A GPU was requested, there is none, and the context does not fall back to the CPU.
    /// </exception>
    public static Device Resolve(string? requested, MLContext context, IChannel channel)
    {
        NativeTorch.Require();
        string name = requested ?? (context.GpuDeviceId is { } id ? $"cuda:{id}" : "cpu");
        int index = CheckName(name);
        if (index < 0) return CPU;
        GpuMemory.Watch(index);
        int count = cuda.is_available() ? cuda.device_count() : 0;
        if (index < count) return device(DeviceType.CUDA, index);

        string missing = count == 0
            ? $"The device '{name}' was requested, but libtorch finds no CUDA device."
            : $"The device '{name}' was requested, but there are only {count} CUDA devices.";
        if (!context.FallbackToCpu)
            throw new InvalidOperationException(
                missing + " Install a CUDA build of libtorch and the driver, use 'cpu', or set MLContext.FallbackToCpu.");
        channel.Warning(MessageSensitivity.None, missing + " Falling back to the CPU.");
        return CPU;
    }

    /// <summary>Returns whether the option or the context requests a GPU, whether or not there is one.</summary>
    /// <inheritdoc cref="CheckName" path="/exception"/>
    public static bool AsksForGpu(string? requested, MLContext context) =>
        requested is null ? context.GpuDeviceId is not null : IsGpu(requested);

    /// <summary>Returns whether a name is that of a GPU, whether or not there is one; false for null.</summary>
    /// <inheritdoc cref="CheckName" path="/exception"/>
    public static bool IsGpu(string? name) => name is not null && CheckName(name) >= 0;

    /// <summary>Returns the index of a CUDA device, or -1 for the CPU.</summary>
    /// <exception cref="ArgumentException">The name is not cpu, cuda or cuda:N.</exception>
    /// <exception cref="NotSupportedException">The device has no float64.</exception>
    public static int CheckName(string name)
    {
        if (name == "cpu") return -1;
        if (name.Split(':')[0] == "mps")
            throw new NotSupportedException(
                $"The device '{name}' has no float64. Exact arithmetic keeps hidden states in float64, and float arithmetic adds " +
                "up losses and gradient norms in it. Use 'cpu' or 'cuda'.");
        if (name == "cuda") return 0;
        if (name.StartsWith("cuda:", StringComparison.Ordinal)
            && int.TryParse(name.AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out int index)) return index;
        throw new ArgumentException($"The device '{name}' is not one of cpu, cuda and cuda:N.", "Device");
    }
}
