using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Evaluation;

/// <summary>Makes the C library of Linux keep freed memory for what comes next.</summary>
internal static class KeptMemory
{
    /// <summary>Just below the 32 MiB up to which glibc learns.</summary>
    private const long Bytes = 30 << 20;

    private static readonly Lazy<bool> _ready = new(FreeOnce);

    /// <summary>Has it learn, unless that is done.</summary>
    /// <remarks>
    /// glibc gives what is free at the end of its heap back to the kernel, 128 KiB and more of it, and the next operation has each page
    /// faulted in and zeroed again: over a quarter of the time of a batch. Once a block that it had mapped is freed, it keeps twice that
    /// block's size. Any other allocator just frees the block.
    /// </remarks>
    public static void MakeReady() => _ = _ready.Value;

    private static bool FreeOnce()
    {
        using Tensor block = empty(Bytes, dtype: ScalarType.Byte, device: CPU);
        return true;
    }
}
