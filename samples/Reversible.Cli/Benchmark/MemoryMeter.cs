namespace Microsoft.ML.Reversible.Cli.Benchmark;

/// <summary>
/// The memory that this process takes: on a GPU what its driver counts as used beyond what was used when this was made, on the CPU
/// resident memory.
/// </summary>
/// <remarks>
/// TorchSharp has no memory statistics, so the driver is asked. Asking takes longer than a step, but need not be in time: libtorch's
/// allocator keeps what it once took, so what is held behind the steps is the peak, and the driver's context is in it. Only where memory
/// ran short does the allocator give back; then the peak was all that there is. What other programs take on the same GPU meanwhile
/// is counted too, so there should be none.
/// </remarks>
internal sealed class MemoryMeter
{
    private readonly string? _gpu;
    private readonly long? _before;

    /// <summary>Reads what is in use; make it before the first call that touches the device.</summary>
    public MemoryMeter(string device)
    {
        _gpu = DriverMemory.GpuOf(device, Environment.GetEnvironmentVariable("CUDA_VISIBLE_DEVICES"));
        _before = _gpu is null ? null : DriverMemory.InUse(_gpu);
    }

    /// <summary>Bytes now; null where nobody knows.</summary>
    public long? Read() => _gpu is null ? ProcessMemory.Now : DriverMemory.InUse(_gpu) - _before;

    /// <summary>The most bytes so far; null where nobody knows.</summary>
    public long? Peak() => _gpu is null ? ProcessMemory.Peak : Read();
}
