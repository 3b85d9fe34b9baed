using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Training;

/// <summary>Reads the memory that this process holds, in RAM and on its GPU.</summary>
/// <remarks>
/// On a GPU the driver reports the value. libtorch's allocator keeps freed memory, so the memory held after a step is the step's peak plus
/// the driver's context. The allocator returns memory only when it runs out, so the peak is the largest value read.
/// </remarks>
internal sealed class MemoryMeter
{
    private readonly Func<long?>? _readDevice;
    private readonly Func<long> _readHost;

    /// <summary>Creates a meter for a device.</summary>
    /// <param name="device">The device of the process.</param>
    public MemoryMeter(Device device)
        : this(device.type == DeviceType.CUDA ? () => GpuMemory.Held(Math.Max(0, device.index)) : null, () => HostMemory.Now)
    {
    }

    /// <summary>Creates a meter from functions that read the memory.</summary>
    /// <param name="readDevice">Returns the bytes held on the GPU, or null if not known; null if there is no GPU.</param>
    /// <param name="readHost">Returns the bytes held in RAM.</param>
    public MemoryMeter(Func<long?>? readDevice, Func<long> readHost) => (_readDevice, _readHost) = (readDevice, readHost);

    /// <summary>The largest number of bytes read on the GPU; null on the CPU, or if the driver does not report it.</summary>
    public long? DevicePeak { get; private set; }

    /// <summary>Reads both, bytes.</summary>
    public (long? Device, long Host) Read()
    {
        long? device = _readDevice?.Invoke();
        if (device is { } held) DevicePeak = Math.Max(held, DevicePeak ?? 0);
        return (device, _readHost());
    }
}
