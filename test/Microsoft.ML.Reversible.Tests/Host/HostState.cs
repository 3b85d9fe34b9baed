using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Host;

/// <summary>The settings of TorchSharp that a program may have made when it calls the library.</summary>
internal static class HostState
{
    public const string Threads = "another number of threads";

    public static readonly string[] Names =
    [
        "float64 by default", "bfloat16 by default", "the meta device by default", "no_grad", "inference_mode",
        Threads, "a dispose scope",
    ];

    /// <summary>The state of the process and of this thread.</summary>
    public static string Now =>
        $"{get_default_dtype()} and {get_default_device()} by default, gradients {is_grad_enabled()}, inference mode "
        + $"{is_inference_mode_enabled()}, {get_num_threads()} threads";

    /// <summary>Sets a state until the result is disposed of.</summary>
    public static IDisposable Enter(string name) => name switch
    {
        "float64 by default" => DefaultType(ScalarType.Float64),
        "bfloat16 by default" => DefaultType(ScalarType.BFloat16),
        "the meta device by default" => DefaultDevice(META),
        "no_grad" => no_grad(),
        "inference_mode" => inference_mode(),
        Threads => OtherThreads(),
        "a dispose scope" => NewDisposeScope(),
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "There is no such state."),
    };

    private static Restore DefaultType(ScalarType type)
    {
        ScalarType before = get_default_dtype();
        set_default_dtype(type);
        return new(() => set_default_dtype(before));
    }

    private static Restore DefaultDevice(Device device)
    {
        Device before = get_default_device();
        set_default_device(device);
        return new(() => set_default_device(before));
    }

    private static Restore OtherThreads()
    {
        int before = get_num_threads();
        set_num_threads(before == 1 ? 2 : 1);
        return new(() => set_num_threads(before));
    }

    private sealed class Restore(Action action) : IDisposable
    {
        public void Dispose() => action();
    }
}
