using System.Collections.Concurrent;

namespace Microsoft.ML.Reversible.Training;

/// <summary>The memory that this process holds on NVIDIA's GPUs, bytes; TorchSharp has no memory statistics.</summary>
/// <remarks>
/// The driver counts memory by process. In a container it may not know this process; then the value is the increase of all processes'
/// memory since before this one first used the GPU.
/// </remarks>
internal static class GpuMemory
{
    private static readonly ConcurrentDictionary<int, long?> _before = new();

    /// <summary>Records the memory in use on a GPU. Call it before the GPU's first use.</summary>
    /// <param name="index">The GPU's number among those of this process, from 0.</param>
    public static void Watch(int index) => _before.GetOrAdd(index, NvidiaDriver.InUse);

    /// <summary>Returns the memory that this process holds on a GPU; null if the driver does not report it.</summary>
    /// <param name="index">The GPU's number among those of this process, from 0.</param>
    public static long? Held(int index) =>
        Held(NvidiaDriver.InUseBy(index, Environment.ProcessId), NvidiaDriver.InUse(index), _before.GetValueOrDefault(index));

    /// <summary>Chooses between the readings.</summary>
    /// <param name="own">The memory of this process; null if the driver does not know it.</param>
    /// <param name="all">The memory of all processes.</param>
    /// <param name="before">The memory of all processes before the GPU's first use.</param>
    public static long? Held(long? own, long? all, long? before) => own ?? (all - before is { } taken ? Math.Max(0, taken) : null);
}
