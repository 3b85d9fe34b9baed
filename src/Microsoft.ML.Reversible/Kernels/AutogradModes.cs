using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Kernels;

/// <summary>The grad mode and the inference mode of a thread, which the calling program may have set.</summary>
internal static class AutogradModes
{
    /// <summary>
    /// Gives the thread libtorch's default modes, gradients recorded and no inference mode, whatever the caller's are. A tensor made in
    /// inference mode could neither be saved for backward nor be changed in place once the caller has left the mode.
    /// </summary>
    /// <returns>Restores the caller's modes when it is disposed of, which must be on the same thread.</returns>
    public static IDisposable Default() => inference_mode(mode: false);
}
