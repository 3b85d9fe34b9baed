using System.Diagnostics;
using System.Globalization;

namespace Microsoft.ML.Reversible.Cli.Benchmark;

/// <summary>The memory in use on a GPU, as NVIDIA's driver counts it for all programs together.</summary>
internal static class DriverMemory
{
    /// <summary>The driver's name of a device of this process, which may see only some, in another order.</summary>
    /// <param name="device">cpu, cuda or cuda:N.</param>
    /// <param name="visible">The value of CUDA_VISIBLE_DEVICES, numbers or UUIDs with commas between; null where it is not set.</param>
    /// <returns>A number or a UUID; null where the device is no GPU, or none that is visible.</returns>
    public static string? GpuOf(string device, string? visible)
    {
        int index = Training.Devices.CheckName(device);
        if (index < 0) return null;
        if (string.IsNullOrWhiteSpace(visible)) return index.ToString(CultureInfo.InvariantCulture);
        string[] all = visible.Split(',', StringSplitOptions.TrimEntries);
        return index < all.Length ? all[index] : null;
    }

    /// <summary>Bytes in use on a GPU; null where the driver's program is missing or does not know.</summary>
    /// <param name="gpu">Its number or UUID.</param>
    public static long? InUse(string gpu)
    {
        var start = new ProcessStartInfo("nvidia-smi", ["-i", gpu, "--query-gpu=memory.used", "--format=csv,noheader,nounits"])
        {
            RedirectStandardOutput = true,
        };
        try
        {
            using Process process = Process.Start(start)!;
            string answer = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return long.TryParse(answer, NumberStyles.Integer, CultureInfo.InvariantCulture, out long mebibytes) ? mebibytes << 20 : null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }
}
