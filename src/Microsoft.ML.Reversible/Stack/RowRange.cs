using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

/// <summary>Consecutive rows of a batch.</summary>
/// <param name="First">The first row, from 0.</param>
/// <param name="Count">How many.</param>
internal readonly record struct RowRange(long First, long Count)
{
    /// <summary>
    /// The most elements of a stream that the blocks read at once on CUDA: enough to fill a GPU, and few beside the streams of a large
    /// batch, so that what one block keeps for its backward pass does not decide how large a batch may be.
    /// </summary>
    private const long CudaElements = 1 << 26;

    /// <summary>The same on the CPU, where it leaves a block's activations in the caches: 2,048 tokens of width 256.</summary>
    private const long CpuElements = 1 << 19;

    /// <summary>These rows of a tensor whose first dimension is the batch: a view.</summary>
    public Tensor Of(Tensor batch) => batch.narrow(0, First, Count);

    /// <summary>These rows of a tensor that has so many rows for each of the batch's.</summary>
    public Tensor Of(Tensor batch, long rowsEach) => batch.narrow(0, First * rowsEach, Count * rowsEach);

    /// <summary>The batch of an input of shape [batch, context, width] in as few parts as its device likes, of nearly one size.</summary>
    public static IReadOnlyList<RowRange> Split(Tensor input)
    {
        long most = input.device_type == DeviceType.CUDA ? CudaElements : CpuElements;
        return Split(input.shape[0], Math.Max(1, most / (input.shape[1] * input.shape[2])));
    }

    /// <summary>So many rows in as few parts as can be, each of at most so many.</summary>
    public static IReadOnlyList<RowRange> Split(long rows, long most)
    {
        int parts = (int)Math.Max(1, (rows + most - 1) / most);
        return [.. Enumerable.Range(0, parts).Select(i => new RowRange(rows * i / parts, rows * (i + 1) / parts - rows * i / parts))];
    }
}
