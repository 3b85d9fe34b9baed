using System.Numerics;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Kernels;

/// <summary>Stores integers within [0, k), k a power of two, in log₂ k bits each, outside every dispose scope.</summary>
/// <remarks>
/// log₂ k is a sum of 4, 2 and 1, and the bits of an integer are split into fields of these widths. A byte holds the fields of integers
/// that are a half, a quarter or an eighth of the tensor apart, so that packing reads and writes contiguous memory.
/// </remarks>
internal sealed class Remainders : IDisposable
{
    /// <summary>The largest k that schemes keep remainders of: 6 bits an activation.</summary>
    public const int MaxK = 64;

    private readonly List<Tensor> _fields;

    private Remainders(List<Tensor> fields) => _fields = fields;

    /// <summary>The number of bytes that are stored.</summary>
    public long ByteCount => _fields.Sum(bytes => bytes.numel());

    /// <summary>Packs integers.</summary>
    /// <param name="values">Integers as a tensor of any type and shape.</param>
    /// <param name="k">A power of two from 2 to <see cref="MaxK"/>.</param>
    public static Remainders Pack(Tensor values, int k)
    {
        using var scope = NewDisposeScope();
        Tensor whole = values.to(ScalarType.Byte).flatten();
        (int Width, int Shift)[] fields = [.. Fields(k)];
        return new Remainders([.. fields.Select(field =>
            Join(fields.Length == 1 ? whole : Cut(whole, field.Width, field.Shift), field.Width).DetachFromDisposeScope())]);
    }

    /// <summary>Returns the integers, in the type and shape of another tensor.</summary>
    public Tensor Unpack(int k, Tensor like)
    {
        using var scope = NewDisposeScope();
        return Unpack(k, like.shape).to(like.dtype).MoveToOuterDisposeScope();
    }

    /// <summary>Returns the integers as bytes.</summary>
    public Tensor Unpack(int k, long[] shape)
    {
        using var scope = NewDisposeScope();
        long count = shape.Aggregate(1L, (product, size) => product * size);
        Tensor? sum = null;
        foreach ((Tensor bytes, (int width, int shift)) in _fields.Zip(Fields(k)))
        {
            Tensor field = Unpack(bytes, width).narrow(0, 0, count);
            sum = sum is null ? field.mul_(1 << shift) : sum.add_(field, 1 << shift);
        }
        return sum!.view(shape).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        foreach (Tensor bytes in _fields) bytes.Dispose();
    }

    /// <summary>Returns the fields of an integer within [0, k): their widths in bits, and their first bits.</summary>
    private static IEnumerable<(int Width, int Shift)> Fields(int k)
    {
        int bits = BitOperations.Log2((uint)k), shift = 0;
        foreach (int width in (int[])[4, 2, 1])
        {
            if ((bits & width) == 0) continue;
            yield return (width, shift);
            shift += width;
        }
    }

    private static Tensor Cut(Tensor whole, int width, int shift) =>
        whole.bitwise_right_shift(Byte(shift, whole)).bitwise_and(Byte((1 << width) - 1, whole));

    private static Tensor Join(Tensor whole, int width)
    {
        using var scope = NewDisposeScope();
        int count = 8 / width;
        long missing = (count - whole.numel() % count) % count;
        if (missing > 0) whole = cat([whole, zeros(missing, dtype: ScalarType.Byte, device: whole.device)], 0);
        Tensor parts = whole.view(count, -1), bytes = parts.select(0, 0).add(parts.select(0, 1), 1 << width);
        for (int i = 2; i < count; i++) bytes.add_(parts.select(0, i), 1 << (width * i));
        return bytes.MoveToOuterDisposeScope();
    }

    private static Tensor Unpack(Tensor bytes, int width)
    {
        Tensor mask = Byte((1 << width) - 1, bytes);
        return cat([.. Enumerable.Range(0, 8 / width).Select(i => bytes.bitwise_right_shift(Byte(width * i, bytes)).bitwise_and(mask))], 0);
    }

    private static Tensor Byte(int value, Tensor like) => full([1], value, dtype: ScalarType.Byte, device: like.device);
}
