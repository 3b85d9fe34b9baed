using System.Numerics;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Kernels;

/// <summary>
/// Draws Boolean masks as a function of the words of an element's row and column. The same words give the same mask on every device, so a
/// mask need not be stored to be used again.
/// </summary>
/// <remarks>
/// Element (i, j) is decided by F(rᵢ + cⱼ) with 32-bit words r and c and the function F of MurmurHash3 (Appleby, 2011) that lets every bit
/// of its input change about half of the bits of its result. Its last step only changes the low half, and is left out: the result is
/// compared with the rate as a fraction of 2³².
/// </remarks>
internal static class CounterMask
{
    private const int FirstFactor = unchecked((int)0x85EBCA6B), SecondFactor = unchecked((int)0xC2B2AE35);
    private const int FirstShift = 16, SecondShift = 13;

    /// <summary>The least number of elements that a thread draws.</summary>
    private const int ElementsPerThread = 1 << 15;

    private static readonly ScriptFunction _cudaFunction = new(
        "counter_mask",
        $"""
        def counter_mask(rows, columns, threshold):
            x = rows + columns
            x = (x ^ ((x >> {FirstShift}) & {LowBits(FirstShift)})) * ({FirstFactor})
            x = (x ^ ((x >> {SecondShift}) & {LowBits(SecondShift)})) * ({SecondFactor})
            return x < threshold
        """);

    /// <summary>Draws a mask.</summary>
    /// <param name="rows">r, int32, of shape [.., 1].</param>
    /// <param name="columns">c, int32, of shape [columns].</param>
    /// <param name="rate">The probability of true, within (0, 1).</param>
    /// <returns>Boolean, of shape [.., columns], in the caller's dispose scope.</returns>
    public static Tensor Draw(Tensor rows, Tensor columns, double rate)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        if (rows.device_type == DeviceType.CPU)
            return OnCpu(rows.contiguous(), columns.contiguous(), Threshold(rate)).MoveToOuterDisposeScope();
        Tensor threshold = full([1], Threshold(rate), dtype: ScalarType.Int32, device: rows.device);
        return (_cudaFunction.TryInvoke(rows, columns, threshold) ?? Plain(rows, columns, rate)).MoveToOuterDisposeScope();
    }

    /// <summary>Draws a mask by tensor operations, the reference of the others.</summary>
    /// <inheritdoc cref="Draw"/>
    public static Tensor Plain(Tensor rows, Tensor columns, double rate)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        Tensor x = rows + columns;
        x = x.bitwise_xor_(Shifted(x, FirstShift)).mul_(FirstFactor);
        x = x.bitwise_xor_(Shifted(x, SecondShift)).mul_(SecondFactor);
        return x.lt(Threshold(rate)).MoveToOuterDisposeScope();
    }

    /// <summary>The script's mask, for tests on the CPU.</summary>
    internal static Tensor Script(Tensor rows, Tensor columns, double rate)
    {
        using Tensor threshold = full([1], Threshold(rate), dtype: ScalarType.Int32, device: rows.device);
        return _cudaFunction.TryInvoke(rows, columns, threshold)!;
    }

    private static Tensor OnCpu(Tensor rows, Tensor columns, int threshold)
    {
        int rowCount = (int)rows.numel(), width = (int)columns.numel();
        Tensor mask = empty([.. rows.shape[..^1], width], dtype: ScalarType.Bool, device: CPU);
        if (mask.numel() == 0) return mask;
        int perPart = Math.Max(1, ElementsPerThread / width);
        Parallel.For(0, (rowCount + perPart - 1) / perPart, part =>
        {
            int first = part * perPart, end = Math.Min(rowCount, first + perPart);
            ReadOnlySpan<int> words = MemoryMarshal.Cast<byte, int>(rows.bytes), own = MemoryMarshal.Cast<byte, int>(columns.bytes);
            Span<sbyte> results = MemoryMarshal.Cast<byte, sbyte>(mask.bytes);
            for (int row = first; row < end; row++) Row(words[row], own, results.Slice(row * width, width), threshold);
        });
        return mask;
    }

    private static void Row(int word, ReadOnlySpan<int> columns, Span<sbyte> results, int threshold)
    {
        int size = Vector<int>.Count, j = 0;
        for (; j + 4 * size <= columns.Length; j += 4 * size)
        {
            ReadOnlySpan<int> four = columns[j..];
            Vector<short> low = Vector.Narrow(Decide(word, four, threshold), Decide(word, four[size..], threshold));
            Vector<short> high = Vector.Narrow(Decide(word, four[(2 * size)..], threshold), Decide(word, four[(3 * size)..], threshold));
            (Vector.Narrow(low, high) & Vector<sbyte>.One).CopyTo(results[j..]);
        }
        for (; j < columns.Length; j++)
        {
            uint x = unchecked((uint)(word + columns[j]));
            x = (x ^ x >> FirstShift) * unchecked((uint)FirstFactor);
            x = (x ^ x >> SecondShift) * unchecked((uint)SecondFactor);
            results[j] = (sbyte)(unchecked((int)x) < threshold ? 1 : 0);
        }
    }

    /// <summary>Returns -1 for true and 0 for false.</summary>
    private static Vector<int> Decide(int word, ReadOnlySpan<int> columns, int threshold)
    {
        Vector<int> x = new Vector<int>(word) + new Vector<int>(columns);
        x = (x ^ Vector.ShiftRightLogical(x, FirstShift)) * FirstFactor;
        x = (x ^ Vector.ShiftRightLogical(x, SecondShift)) * SecondFactor;
        return Vector.LessThan(x, new Vector<int>(threshold));
    }

    /// <summary>The number below which a result is true: results are uniform from int's least number on.</summary>
    private static int Threshold(double rate) => (int)Math.Min(Math.Round(Math.ScaleB(rate, 32)) + int.MinValue, int.MaxValue);

    private static int LowBits(int shift) => (int)(uint.MaxValue >> shift);

    private static Tensor Shifted(Tensor x, int shift) =>
        x.bitwise_right_shift(Word(shift, x)).bitwise_and_(Word(LowBits(shift), x));

    private static Tensor Word(int value, Tensor like) => full([1], value, dtype: ScalarType.Int32, device: like.device);
}
