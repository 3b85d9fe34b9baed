namespace TorchSharp;

// A number of any type on its way into a tensor operation.
public sealed class Scalar : IDisposable
{
    internal readonly Native.ScalarArg Value;

    private Scalar(long value, long kind, torch.ScalarType type)
    {
        Value = new Native.ScalarArg { Bits = value, Kind = kind };
        Type = type;
    }

    private Scalar(double value, torch.ScalarType type) : this(BitConverter.DoubleToInt64Bits(value), 2, type) { }

    public torch.ScalarType Type { get; }

    public static implicit operator Scalar(byte value) => new(value, 1, torch.ScalarType.Int64);
    public static implicit operator Scalar(sbyte value) => new(value, 1, torch.ScalarType.Int64);
    public static implicit operator Scalar(short value) => new(value, 1, torch.ScalarType.Int64);
    public static implicit operator Scalar(int value) => new(value, 1, torch.ScalarType.Int64);
    public static implicit operator Scalar(long value) => new(value, 1, torch.ScalarType.Int64);
    public static implicit operator Scalar(Half value) => new((double)value, torch.ScalarType.Float64);
    public static implicit operator Scalar(float value) => new(value, torch.ScalarType.Float64);
    public static implicit operator Scalar(double value) => new(value, torch.ScalarType.Float64);
    public static implicit operator Scalar(bool value) => new(value ? 1 : 0, 3, torch.ScalarType.Bool);

    public void Dispose() { }

    internal static Scalar From(Native.ScalarArg value) => value.Kind switch
    {
        2 => BitConverter.Int64BitsToDouble(value.Bits),
        3 => value.Bits != 0,
        _ => value.Bits,
    };

    internal static Native.ScalarArg Of(long value) => new() { Bits = value, Kind = 1 };

    internal static Native.ScalarArg Of(double value) => new() { Bits = BitConverter.DoubleToInt64Bits(value), Kind = 2 };

    // No scalar is a kind of its own, so an optional bound can stay open.
    internal static Native.ScalarArg Of(Scalar scalar) => scalar is null ? default : scalar.Value;

    internal double AsDouble => Value.Kind == 2 ? BitConverter.Int64BitsToDouble(Value.Bits) : Value.Bits;

    internal long AsInt64 => Value.Kind == 2 ? (long)BitConverter.Int64BitsToDouble(Value.Bits) : Value.Bits;
}
