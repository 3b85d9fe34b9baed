using System.Diagnostics;

namespace Microsoft.ML.Reversible.Training;

/// <summary>The memory that this process holds in RAM, bytes.</summary>
internal static class HostMemory
{
    public static long Now => Environment.WorkingSet;

    public static long Peak
    {
        get
        {
            using var process = Process.GetCurrentProcess();
            return process.PeakWorkingSet64;
        }
    }
}
