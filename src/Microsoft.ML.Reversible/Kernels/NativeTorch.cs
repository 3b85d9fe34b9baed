using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp;

namespace Microsoft.ML.Reversible.Kernels;

/// <summary>Loads TorchSharp's native libraries. If they do not load, one message says what is missing.</summary>
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
        + "and build again: the build then makes a copy of the file that loads with GCC 12's too, as in Debian 12 and Ubuntu 22.04.";

    // The one version that the copy does not need.
    private const string OptionalVersion = "GLIBCXX_3.4.32";

    // Some tens of microseconds; docs/performance.md has measurements of other values.
    private const string SpinCount = "20000";

    private static readonly Lazy<string?> _failure = new(Load);

    /// <summary>Loads the libraries, once per process.</summary>
    /// <exception cref="DllNotFoundException">They do not load; the message says what to add to the application.</exception>
    public static void Require()
    {
        if (_failure.Value is { } message) throw new DllNotFoundException(message);
    }

    /// <summary>The version of the loaded libtorch, such as 2.10.0; TorchSharp only knows the one that it was built with.</summary>
    /// <exception cref="DllNotFoundException">The libraries do not load.</exception>
    public static string LibtorchVersion
    {
        get
        {
            Require();
            nint library = NativeLibrary.Load("torch_cpu", typeof(torch).Assembly, null);
            ulong version = Marshal.GetDelegateForFunctionPointer<AbiVersion>(NativeLibrary.GetExport(library, "aoti_torch_abi_version"))();
            return string.Create(CultureInfo.InvariantCulture, $"{version >> 56}.{version >> 48 & 0xFF}.{version >> 40 & 0xFF}");
        }
    }

    /// <returns>Null, or why the libraries do not load.</returns>
    private static string? Load()
    {
        LetIdleThreadsSpinBriefly();
        LetSegmentsGrow();
        // As TorchSharp does it, but without its messages on the console, and without copying a libtorch that would not load either.
        var assembly = typeof(torch).Assembly;
        NativeLibrary.TryLoad("torch_cpu", assembly, null, out _);
        string? failure = null;
        try
        {
            NativeLibrary.Load("LibTorchSharp", assembly, null);
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            failure = Describe(e.Message);
            if (failure == OlderLinuxMessage || !IsInPackageFolder(assembly.Location)) return failure;
        }

        // In a script or notebook TorchSharp collects the libraries from the package folder.
        TextWriter console = Console.Out;
        try
        {
            Console.SetOut(TextWriter.Null);
            RuntimeHelpers.RunClassConstructor(typeof(torch).TypeHandle);
            return null;
        }
        catch (TypeInitializationException)
        {
            return failure ?? MissingMessage;
        }
        finally
        {
            Console.SetOut(console);
        }
    }

    /// <summary>Turns the loader's message about LibTorchSharp into one for the user.</summary>
    internal static string Describe(string message)
    {
        if (message.Contains(OptionalVersion, StringComparison.Ordinal)) return OlderLinuxMessage;
        string[] lines = message.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        string? cause = lines.Skip(1).FirstOrDefault(line => !IsMissingLibtorch(line))?.TrimEnd('.');
        return cause is null ? MissingMessage : $"libtorch is there, but does not load: {cause}.";
    }

    /// <summary>Whether a line only says that LibTorchSharp itself, or libtorch as a whole, was not found.</summary>
    private static bool IsMissingLibtorch(string line)
    {
        if (!line.Contains("no such file", StringComparison.OrdinalIgnoreCase)) return false;
        string name = Path.GetFileName(line.Split(':')[0]);
        return name.Contains("LibTorchSharp", StringComparison.Ordinal) || name is "libtorch.so" or "libtorch_cpu.so";
    }

    // PACKAGES/torchsharp/VERSION/lib/FRAMEWORK/TorchSharp.dll
    private static bool IsInPackageFolder(string path) =>
        path.Split('/', '\\') is [.., var package, _, "lib", _, _] && package.Equals("torchsharp", StringComparison.OrdinalIgnoreCase);

    /// <summary>
    /// Sets GOMP_SPINCOUNT, unless the environment says how idle threads of OpenMP wait. By default libgomp's threads spin for milliseconds
    /// after each operation, which makes training about half as fast where other processes use the same cores. libgomp reads the variable
    /// when it is loaded, so this has no effect in a program that used TorchSharp before.
    /// </summary>
    private static void LetIdleThreadsSpinBriefly()
    {
        if (!OperatingSystem.IsLinux() || Environment.GetEnvironmentVariable("OMP_WAIT_POLICY") is not null) return;
        // The runtime's own Environment changes a copy that native libraries do not see.
        _ = SetNativeEnvironmentVariable("GOMP_SPINCOUNT", SpinCount, overwrite: 0);
    }

    /// <summary>
    /// Sets PYTORCH_CUDA_ALLOC_CONF to expandable_segments:True, unless the environment configures the allocator. A tensor that is larger
    /// than any free block then takes only the missing memory from the driver, not a new segment of its own. libtorch reads the variable
    /// when it first allocates on a GPU. Windows has no such segments.
    /// </summary>
    private static void LetSegmentsGrow()
    {
        const string current = "PYTORCH_CUDA_ALLOC_CONF", next = "PYTORCH_ALLOC_CONF";
        if (!OperatingSystem.IsLinux() || Environment.GetEnvironmentVariable(next) is not null) return;
        _ = SetNativeEnvironmentVariable(current, "expandable_segments:True", overwrite: 0);
    }

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate ulong AbiVersion();

    [DllImport("libc", EntryPoint = "setenv")]
    private static extern int SetNativeEnvironmentVariable(
        [MarshalAs(UnmanagedType.LPUTF8Str)] string name, [MarshalAs(UnmanagedType.LPUTF8Str)] string value, int overwrite);
}
