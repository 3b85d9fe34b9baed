using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp;

namespace Microsoft.ML.Reversible.Kernels;

/// <summary>Loads TorchSharp's native libraries, and says in one message what is missing where they do not load.</summary>
internal static class NativeTorch
{
    internal const string MissingMessage =
        "No libtorch was found. Add one of the packages TorchSharp-cpu, TorchSharp-cuda-windows and TorchSharp-cuda-linux, version "
        + "0.107.0, to the application, or libtorch-cpu-win-x64, libtorch-cpu-win-arm64, libtorch-cpu-linux-x64 or "
        + "libtorch-cpu-osx-arm64, version 2.10.0. "
        + "A libtorch of a PyTorch installation is found on LD_LIBRARY_PATH (Linux), DYLD_LIBRARY_PATH (macOS) or PATH (Windows).";

    internal const string OlderLinuxMessage =
        "TorchSharp's libLibTorchSharp.so needs libstdc++ of GCC 13.2 or newer, as in Debian 13, Ubuntu 24.04, Fedora 39 and RHEL 10; "
        + "this system's is older. Set <ReversibleOlderLinux>true</ReversibleOlderLinux> in the application's project file "
        + "and build again: the build then makes a copy of the file that also loads on Debian 12, Ubuntu 22.04 and RHEL 9.";

    // Some microseconds.
    private const string SpinCount = "2000";

    private static readonly Lazy<string?> _failure = new(Load);

    /// <summary>Loads the libraries unless that is done.</summary>
    /// <exception cref="DllNotFoundException">They do not load; the message says what to add to the application.</exception>
    public static void Require()
    {
        if (_failure.Value is { } message) throw new DllNotFoundException(message);
    }

    /// <returns>Null, or why the libraries do not load.</returns>
    private static string? Load()
    {
        LetIdleThreadsSpinBriefly();
        // First as TorchSharp does it: where this fails for want of a symbol version, its next attempt would copy all of libtorch in vain.
        var assembly = typeof(torch).Assembly;
        string? cause = null;
        NativeLibrary.TryLoad("torch_cpu", assembly, null, out _);
        try
        {
            NativeLibrary.Load("LibTorchSharp", assembly, null);
        }
        catch (DllNotFoundException e) when (e.Message.Contains("GLIBCXX_", StringComparison.Ordinal))
        {
            return OlderLinuxMessage;
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            // TorchSharp also looks into the NuGet package folder, as scripts and notebooks need it.
            cause = CauseIn(e.Message);
        }

        try
        {
            RuntimeHelpers.RunClassConstructor(typeof(torch).TypeHandle);
            return null;
        }
        catch (TypeInitializationException)
        {
            return cause is null ? MissingMessage : $"libtorch does not load: {cause}. {MissingMessage}";
        }
    }

    /// <summary>
    /// Sets GOMP_SPINCOUNT, unless the environment says how idle threads of OpenMP wait. By default those of libgomp spin for milliseconds
    /// after each operation, which makes training several times slower where other processes want the same cores. libgomp reads it when
    /// it is loaded, so this has no effect in a program that used TorchSharp before.
    /// </summary>
    private static void LetIdleThreadsSpinBriefly()
    {
        if (!OperatingSystem.IsLinux() || Environment.GetEnvironmentVariable("OMP_WAIT_POLICY") is not null) return;
        // The runtime's own Environment changes a copy that native libraries do not see.
        _ = SetNativeEnvironmentVariable("GOMP_SPINCOUNT", SpinCount, overwrite: 0);
    }

    [DllImport("libc", EntryPoint = "setenv")]
    private static extern int SetNativeEnvironmentVariable(
        [MarshalAs(UnmanagedType.LPUTF8Str)] string name, [MarshalAs(UnmanagedType.LPUTF8Str)] string value, int overwrite);

    /// <summary>The loader's line that says something else than that a file is missing; null where there is none.</summary>
    internal static string? CauseIn(string message) =>
        message.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Skip(1)
            .FirstOrDefault(line => !line.Contains("no such file", StringComparison.OrdinalIgnoreCase))?.TrimEnd('.');
}
