using System.Text.RegularExpressions;

namespace Microsoft.ML.Reversible.Cli.Benchmark;

/// <summary>Distinguishes running out of memory from other failures.</summary>
internal static partial class MemoryShortage
{
    private const int SigAbrt = 128 + 6, SigKill = 128 + 9;

    /// <summary>Returns whether a message is about a lack of memory, on the CPU or on a GPU.</summary>
    public static bool IsNamedIn(string message) => Message().IsMatch(message);

    /// <summary>
    /// Returns whether a process ended because memory ran out: its message says so, or it ended with one of the signals for this. The
    /// kernel kills a process that exhausts the memory, and libtorch aborts if an exception leaves a function that must not throw.
    /// </summary>
    /// <param name="exitCode">The exit code; 128 plus the signal's number if a signal ended the process.</param>
    /// <param name="errors">The process's standard error.</param>
    public static bool Ended(int exitCode, string errors) => exitCode is SigAbrt or SigKill || IsNamedIn(errors);

    [GeneratedRegex("out of ?memory|can't allocate memory|not enough memory|bad_alloc|STATUS_ALLOC_FAILED", RegexOptions.IgnoreCase)]
    private static partial Regex Message();
}
