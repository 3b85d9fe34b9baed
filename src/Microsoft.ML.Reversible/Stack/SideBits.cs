using System.Numerics;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

/// <summary>Integers within [0, k), k a power of two, at log₂ k bits each, eight bits to a byte; outside every dispose scope.</summary>
internal sealed class SideBits : IDisposable
{
    /// <summary>The largest k that schemes keep remainders of: 6 bits an activation.</summary>
    public const int MaxK = 64;

    private readonly Tensor _bytes;

    private SideBits(Tensor bytes) => _bytes = bytes;

    /// <summary>The number of bytes that are kept.</summary>
    public long ByteCount => _bytes.numel();

    /// <summary>Packs integers.</summary>
    /// <param name="values">Integers as a tensor of any type and shape.</param>
    /// <param name="k">A power of two from 2 to <see cref="MaxK"/>.</param>
    public static SideBits Pack(Tensor values, int k)
    {
        using var scope = NewDisposeScope();
        Tensor bits = values.to(ScalarType.Byte).reshape(-1, 1).bitwise_right_shift(Places(BitsOf(k), values.device))
            .bitwise_and(One(values.device)).flatten();
        long missing = (8 - bits.numel() % 8) % 8;
        if (missing > 0) bits = cat([bits, zeros(missing, dtype: ScalarType.Byte, device: values.device)], 0);
        Tensor bytes = bits.view(-1, 8).bitwise_left_shift(Places(8, values.device)).sum(1, type: ScalarType.Byte);
        return new SideBits(bytes.DetachFromDisposeScope());
    }

    /// <summary>The integers, in the type and shape of another tensor.</summary>
    public Tensor Unpack(int k, Tensor like)
    {
        using var scope = NewDisposeScope();
        int width = BitsOf(k);
        Tensor bits = _bytes.unsqueeze(1).bitwise_right_shift(Places(8, like.device)).bitwise_and(One(like.device)).flatten();
        Tensor values = bits.narrow(0, 0, like.numel() * width).view(-1, width)
            .bitwise_left_shift(Places(width, like.device)).sum(1, type: ScalarType.Byte);
        return values.to(like.dtype).view(like.shape).MoveToOuterDisposeScope();
    }

    private static int BitsOf(int k) => BitOperations.Log2((uint)k);

    private static Tensor Places(int count, Device device) => arange(0, count, dtype: ScalarType.Byte, device: device);

    private static Tensor One(Device device) => ones(1, dtype: ScalarType.Byte, device: device);

    public void Dispose() => _bytes.Dispose();
}
