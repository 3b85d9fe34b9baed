using System.Diagnostics;

namespace Microsoft.ML.Reversible;

/// <summary>The memory that this process holds in RAM, bytes.</summary>
internal static class ProcessMemory
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
