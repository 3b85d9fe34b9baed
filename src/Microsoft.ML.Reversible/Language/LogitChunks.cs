using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Language;

/// <summary>Splits tokens into chunks, so that the logits of one chunk exist at a time.</summary>
internal static class LogitChunks
{
    /// <summary>
    /// Returns the maximum number of logits in a chunk when gradients are computed. On CUDA each chunk costs a pass over dW in float32, so
    /// chunks are large: the two tensors of logits that exist at once take 1 GiB. On the CPU the product itself adds to dW, and small
    /// chunks stay in cache; below 256 tokens products become slow.
    /// </summary>
    public static long Elements(Device device, ScalarType compute, long vocabulary) =>
        device.type != DeviceType.CUDA ? Math.Max(2 << 20, 256 * vocabulary) : compute == ScalarType.BFloat16 ? 1 << 28 : 1 << 27;

    /// <summary>
    /// Returns ranges of consecutive tokens whose logits have at most the given number of elements, but at least one token each. The chunks
    /// have about the same size, because a small last one would still cost the fixed part of a chunk.
    /// </summary>
    public static IEnumerable<(long Start, long Length)> Of(long tokens, long vocabulary, long elements)
    {
        const long tile = 128;
        long most = Math.Clamp(elements / vocabulary, 1, tokens), count = (tokens + most - 1) / most;
        // With many tokens, a chunk is a multiple of the matrix products' tile.
        long even = (tokens + count - 1) / count, step = Math.Min((even + tile - 1) / tile * tile, most);
        for (long start = 0; start < tokens; start += step) yield return (start, Math.Min(step, tokens - start));
    }
}
