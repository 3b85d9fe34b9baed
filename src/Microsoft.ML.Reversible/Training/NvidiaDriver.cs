using System.Runtime.InteropServices;

namespace Microsoft.ML.Reversible.Training;

/// <summary>
/// Asks NVIDIA's driver for the memory in use on a GPU, through its management library (NVML). The CUDA driver library gives the GPU's bus
/// id, by which NVML finds it. If a library is missing or a call fails, the result is null.
/// </summary>
internal static class NvidiaDriver
{
    private const int Success = 0;
    private const int MostProcesses = 256;
    private const int BusIdLength = 32;

    // The driver returns all bits set if it does not know a process's memory.
    private const ulong NotKnown = ulong.MaxValue;

    private static readonly Lazy<Calls?> _calls = new(Load);

    private delegate int Initialize();

    private delegate int InitializeWith(uint flags);

    private delegate int GetDevice(out int device, int ordinal);

    private delegate int GetBusId([Out] byte[] id, int length, int device);

    private delegate int GetHandle(byte[] busId, out nint handle);

    private delegate int GetMemory(nint handle, out MemoryInfo memory);

    private delegate int GetProcesses(nint handle, ref uint count, [Out] ProcessInfo[] processes);

    /// <summary>Returns the bytes in use on a GPU by all processes together.</summary>
    /// <param name="index">The GPU's number among those of this process, from 0.</param>
    public static long? InUse(int index) =>
        _calls.Value is { } calls && HandleOf(calls, index) is { } handle && calls.GetMemory(handle, out MemoryInfo memory) == Success
            ? (long)memory.Used
            : null;

    /// <summary>Returns the bytes in use on a GPU by one process; null also if the driver does not know the process.</summary>
    /// <param name="index">The GPU's number among those of this process, from 0.</param>
    /// <param name="processId">The process.</param>
    public static long? InUseBy(int index, int processId)
    {
        if (_calls.Value is not { } calls || HandleOf(calls, index) is not { } handle) return null;
        uint count = MostProcesses;
        var processes = new ProcessInfo[MostProcesses];
        if (calls.GetProcesses(handle, ref count, processes) != Success) return null;
        foreach (ProcessInfo process in processes.AsSpan(0, (int)Math.Min(count, MostProcesses)))
            if (process.Id == (uint)processId && process.Used != NotKnown) return (long)process.Used;
        return null;
    }

    /// <summary>
    /// Returns NVML's handle for a CUDA device index. The CUDA driver may list only some of the GPUs, and in another order.
    /// </summary>
    private static nint? HandleOf(Calls calls, int index)
    {
        byte[] busId = new byte[BusIdLength];
        return calls.GetDevice(out int device, index) == Success
            && calls.GetBusId(busId, BusIdLength, device) == Success
            && calls.GetHandle(busId, out nint handle) == Success
                ? handle
                : null;
    }

    private static Calls? Load()
    {
        (string cudaName, string managementName) =
            OperatingSystem.IsWindows() ? ("nvcuda.dll", "nvml.dll") : ("libcuda.so.1", "libnvidia-ml.so.1");
        if (!NativeLibrary.TryLoad(cudaName, out nint cuda) || !NativeLibrary.TryLoad(managementName, out nint management)) return null;
        try
        {
            if (Function<InitializeWith>(cuda, "cuInit")(0) != Success || Function<Initialize>(management, "nvmlInit_v2")() != Success)
                return null;
            return new(
                Function<GetDevice>(cuda, "cuDeviceGet"), Function<GetBusId>(cuda, "cuDeviceGetPCIBusId"),
                Function<GetHandle>(management, "nvmlDeviceGetHandleByPciBusId_v2"),
                Function<GetMemory>(management, "nvmlDeviceGetMemoryInfo"),
                Function<GetProcesses>(management, "nvmlDeviceGetComputeRunningProcesses_v3"));
        }
        catch (EntryPointNotFoundException)
        {
            return null;
        }
    }

    private static T Function<T>(nint library, string name) where T : Delegate =>
        Marshal.GetDelegateForFunctionPointer<T>(NativeLibrary.GetExport(library, name));

    private sealed record Calls(
        GetDevice GetDevice, GetBusId GetBusId, GetHandle GetHandle, GetMemory GetMemory, GetProcesses GetProcesses);

    [StructLayout(LayoutKind.Sequential)]
    private readonly struct MemoryInfo
    {
        public readonly ulong Total, Free, Used;
    }

    [StructLayout(LayoutKind.Sequential)]
    private readonly struct ProcessInfo
    {
        public readonly uint Id;
        public readonly ulong Used;
        public readonly uint GpuInstance, ComputeInstance;
    }
}
