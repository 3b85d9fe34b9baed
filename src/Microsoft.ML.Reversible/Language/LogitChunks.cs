using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Language;

/// <summary>Cuts tokens into chunks whose logits exist at a time.</summary>
internal static class LogitChunks
{
    /// <summary>
    /// The most logits that a chunk holds where gradients are wanted. On CUDA each chunk costs a pass over dW in float32, and two tensors
    /// of logits are alive at once: 1 GiB of them. On CPU the product itself adds to dW, and small chunks stay in cache; fewer than 256
    /// tokens would make slow products.
    /// </summary>
    public static long Elements(Device device, ScalarType compute, long vocabulary) =>
        device.type != DeviceType.CUDA ? Math.Max(2 << 20, 256 * vocabulary) : compute == ScalarType.BFloat16 ? 1 << 28 : 1 << 27;

    /// <summary>
    /// Returns ranges of consecutive tokens whose logits together are at most so many elements, or of one token. Chunks have about the same
    /// size: a small last one would pay the whole fixed cost of a chunk.
    /// </summary>
    public static IEnumerable<(long Start, long Length)> Of(long tokens, long vocabulary, long elements)
    {
        const long tile = 128;
        long most = Math.Clamp(elements / vocabulary, 1, tokens), count = (tokens + most - 1) / most;
        // Whole tiles of the matrix products, where there are many tokens.
        long even = (tokens + count - 1) / count, step = Math.Min((even + tile - 1) / tile * tile, most);
        for (long start = 0; start < tokens; start += step) yield return (start, Math.Min(step, tokens - start));
    }
}
