using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Training;

/// <summary>The memory that this process holds, in RAM and on the GPU that it computes on.</summary>
/// <remarks>
/// On a GPU the value is the driver's. libtorch's allocator keeps what it allocated, so the memory held after a step is the step's peak,
/// with the driver's context. The allocator frees memory only where it runs short; the peak is the largest value read.
/// </remarks>
internal sealed class MemoryMeter
{
    private readonly Func<long?>? _readDevice;
    private readonly Func<long> _readHost;

    /// <summary>Makes a meter of a device.</summary>
    /// <param name="device">Where the process computes.</param>
    public MemoryMeter(Device device)
        : this(device.type == DeviceType.CUDA ? () => GpuMemory.Held(Math.Max(0, device.index)) : null, () => HostMemory.Now)
    {
    }

    /// <summary>Makes a meter of given readings.</summary>
    /// <param name="readDevice">Reads what is held on the GPU, bytes, or null if not known; null where there is no GPU.</param>
    /// <param name="readHost">Reads what is held in RAM, bytes.</param>
    public MemoryMeter(Func<long?>? readDevice, Func<long> readHost) => (_readDevice, _readHost) = (readDevice, readHost);

    /// <summary>The most bytes that were read on the GPU; null on the CPU, or where the driver does not say.</summary>
    public long? DevicePeak { get; private set; }

    /// <summary>Reads both, bytes.</summary>
    public (long? Device, long Host) Read()
    {
        long? device = _readDevice?.Invoke();
        if (device is { } held) DevicePeak = Math.Max(held, DevicePeak ?? 0);
        return (device, _readHost());
    }
}
