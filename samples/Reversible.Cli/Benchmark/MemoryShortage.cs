using System.Text.RegularExpressions;

namespace Microsoft.ML.Reversible.Cli.Benchmark;

/// <summary>Tells a lack of memory from other failures.</summary>
internal static partial class MemoryShortage
{
    private const int SigAbrt = 128 + 6, SigKill = 128 + 9;

    /// <summary>Whether a message is about a lack of memory, on the CPU or on a GPU.</summary>
    public static bool IsNamedIn(string message) => Message().IsMatch(message);

    /// <summary>
    /// Whether a process ended for want of memory: it says so, or a signal ended it that such an end brings. The kernel kills what takes
    /// the machine's memory, and libtorch aborts where an exception leaves one of its calls that must not throw.
    /// </summary>
    /// <param name="exitCode">The exit code; 128 and the signal's number where one ended the process.</param>
    /// <param name="errors">What it wrote to standard error.</param>
    public static bool Ended(int exitCode, string errors) => exitCode is SigAbrt or SigKill || IsNamedIn(errors);

    [GeneratedRegex("out of ?memory|can't allocate memory|not enough memory|bad_alloc|STATUS_ALLOC_FAILED", RegexOptions.IgnoreCase)]
    private static partial Regex Message();
}
