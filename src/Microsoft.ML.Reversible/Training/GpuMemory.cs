using System.Collections.Concurrent;

namespace Microsoft.ML.Reversible.Training;

/// <summary>The memory that this process holds on NVIDIA's GPUs, bytes; TorchSharp has no memory statistics.</summary>
/// <remarks>
/// The driver counts by process. In a container it may not know this one; then the value is the increase of what all programs hold since
/// before this one first used the GPU.
/// </remarks>
internal static class GpuMemory
{
    private static readonly ConcurrentDictionary<int, long?> _before = new();

    /// <summary>Records the memory in use on a GPU; call it before the first use of the GPU.</summary>
    /// <param name="index">The GPU's number among those of this process, from 0.</param>
    public static void Watch(int index) => _before.GetOrAdd(index, NvidiaDriver.InUse);

    /// <summary>Returns what this process holds on a GPU; null where the driver does not say.</summary>
    /// <param name="index">The GPU's number among those of this process, from 0.</param>
    public static long? Held(int index) =>
        Held(NvidiaDriver.InUseBy(index, Environment.ProcessId), NvidiaDriver.InUse(index), _before.GetValueOrDefault(index));

    /// <summary>Chooses between the readings.</summary>
    /// <param name="own">What the driver counts for this process; null where it does not know.</param>
    /// <param name="all">What it counts for all.</param>
    /// <param name="before">What it counted for all before the first use.</param>
    public static long? Held(long? own, long? all, long? before) => own ?? (all - before is { } taken ? Math.Max(0, taken) : null);
}
