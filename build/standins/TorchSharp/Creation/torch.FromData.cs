using System.Runtime.InteropServices;

namespace TorchSharp;

public static partial class torch
{
    // How managed numbers get into a tensor.
    private static unsafe Tensor FromScalar<T>(T value, ScalarType? dtype, Device device, bool requiresGrad) where T : unmanaged =>
        new(Native.ts_from_data(&value, (int)TypeOf<T>(), null, 0, Options(dtype, device, requiresGrad)));

    private static unsafe Tensor FromArray<T>(
        T[] values, ReadOnlySpan<long> shape, ScalarType? dtype, Device device, bool requiresGrad) where T : unmanaged
    {
        CheckSize(values.LongLength, shape);
        var options = Options(dtype, device, requiresGrad);
        fixed (T* data = values)
        fixed (long* sizes = shape)
            return new Tensor(Native.ts_from_data(data, (int)TypeOf<T>(), sizes, shape.Length, options));
    }

    private static unsafe Tensor FromMany<T>(Array values, ScalarType? dtype, Device device, bool requiresGrad) where T : unmanaged
    {
        Span<long> shape = stackalloc long[values.Rank];
        for (var d = 0; d < shape.Length; d++)
            shape[d] = values.GetLongLength(d);
        var options = Options(dtype, device, requiresGrad);
        fixed (byte* data = &MemoryMarshal.GetArrayDataReference(values))
        fixed (long* sizes = shape)
            return new Tensor(Native.ts_from_data(data, (int)TypeOf<T>(), sizes, shape.Length, options));
    }

    public static Tensor from_array(Array rawArray, Device device = null) => from_array(rawArray, null, device);

    public static Tensor from_array(
        Array rawArray, ScalarType? dtype, Device device = null, bool requires_grad = false, string[] names = null) => rawArray switch
    {
        bool[] or bool[,] or bool[,,] => FromMany<bool>(rawArray, dtype, device, requires_grad),
        byte[] or byte[,] or byte[,,] => FromMany<byte>(rawArray, dtype, device, requires_grad),
        sbyte[] or sbyte[,] or sbyte[,,] => FromMany<sbyte>(rawArray, dtype, device, requires_grad),
        short[] or short[,] or short[,,] => FromMany<short>(rawArray, dtype, device, requires_grad),
        int[] or int[,] or int[,,] => FromMany<int>(rawArray, dtype, device, requires_grad),
        long[] or long[,] or long[,,] => FromMany<long>(rawArray, dtype, device, requires_grad),
        Half[] or Half[,] or Half[,,] => FromMany<Half>(rawArray, dtype, device, requires_grad),
        float[] or float[,] or float[,,] => FromMany<float>(rawArray, dtype, device, requires_grad),
        double[] or double[,] or double[,,] => FromMany<double>(rawArray, dtype, device, requires_grad),
        _ => throw new ArgumentException($"No tensor can be made of a {rawArray.GetType()}."),
    };

    // The tensor keeps the array pinned and shares its memory; another element type is a conversion, and so a copy.
    public static unsafe Tensor frombuffer(
        Array rawArray, ScalarType dtype, long count = -1, long offset = 0, bool requires_grad = false)
    {
        var type = ElementTypeOf(rawArray);
        if (offset < 0 || offset >= rawArray.LongLength)
            throw new ArgumentException($"offset must be between 0 and {rawArray.LongLength - 1}.");
        count = count < 0 ? rawArray.LongLength - offset : count;
        if (count > rawArray.LongLength - offset)
            throw new ArgumentException($"The array holds {rawArray.LongLength - offset} elements from there, not {count}.");
        var pin = GCHandle.Alloc(rawArray, GCHandleType.Pinned);
        var data = (byte*)pin.AddrOfPinnedObject() + offset * type.ElementSize();
        var shared = new Tensor(Native.ts_from_buffer(data, count, (int)type, (void*)GCHandle.ToIntPtr(pin), &Unpin));
        return (dtype == type ? shared : shared.to(dtype, disposeAfter: true)).requires_grad_(requires_grad);
    }

    [UnmanagedCallersOnly]
    private static unsafe void Unpin(void* pin) => GCHandle.FromIntPtr((nint)pin).Free();

    private static ScalarType ElementTypeOf(Array array) => array switch
    {
        bool[] => ScalarType.Bool,
        sbyte[] when array.GetType() == typeof(sbyte[]) => ScalarType.Int8,
        byte[] => ScalarType.Byte,
        short[] => ScalarType.Int16,
        int[] => ScalarType.Int32,
        long[] => ScalarType.Int64,
        Half[] => ScalarType.Float16,
        float[] => ScalarType.Float32,
        double[] => ScalarType.Float64,
        _ => throw new ArgumentException($"No tensor can be made of a {array.GetType()}."),
    };

    private static void CheckSize(long count, ReadOnlySpan<long> shape)
    {
        long size = 1;
        foreach (var n in shape)
            size *= n;
        if (size != count)
            throw new ArgumentException($"The shape needs {size} elements; the array holds {count}.");
    }
}
