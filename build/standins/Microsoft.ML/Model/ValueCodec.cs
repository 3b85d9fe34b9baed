namespace Microsoft.ML.Data;

/// <summary>Writes and reads one value of a column's raw type.</summary>
internal static class ValueCodec<T>
{
    public static readonly Action<BinaryWriter, T> Write;
    public static readonly Func<BinaryReader, T> Read;

    static ValueCodec()
    {
        var (write, read) = typeof(T).IsGenericType && typeof(T).GetGenericTypeDefinition() == typeof(VBuffer<>)
            ? ((Delegate, Delegate))TypeMap.Call(typeof(ValueCodec), nameof(ValueCodec.Vector), typeof(T).GetGenericArguments())
            : ValueCodec.Scalar(typeof(T));
        Write = (Action<BinaryWriter, T>)write;
        Read = (Func<BinaryReader, T>)read;
    }
}

internal static class ValueCodec
{
    public static (Delegate Write, Delegate Read) Vector<T>() => (
        (BinaryWriter writer, VBuffer<T> value) =>
        {
            writer.Write(value.Length);
            writer.Write(value.Count);
            foreach (var item in value.GetValues())
                ValueCodec<T>.Write(writer, item);
            foreach (var index in value.GetIndices())
                writer.Write(index);
        },
        (BinaryReader reader) =>
        {
            var length = reader.ReadInt32();
            var values = new T[reader.ReadInt32()];
            for (var i = 0; i < values.Length; i++)
                values[i] = ValueCodec<T>.Read(reader);
            var indices = new int[values.Length < length ? values.Length : 0];
            for (var i = 0; i < indices.Length; i++)
                indices[i] = reader.ReadInt32();
            return new VBuffer<T>(length, values.Length, values, indices);
        });

    public static (Delegate Write, Delegate Read) Scalar(Type type)
    {
        if (type == typeof(ReadOnlyMemory<char>))
            return Pair<ReadOnlyMemory<char>>((w, v) => w.Write(v.ToString()), r => r.ReadString().AsMemory());
        if (type == typeof(bool))
            return Pair<bool>((w, v) => w.Write(v), r => r.ReadBoolean());
        if (type == typeof(TimeSpan))
            return Pair<TimeSpan>((w, v) => w.Write(v.Ticks), r => new TimeSpan(r.ReadInt64()));
        if (type == typeof(DateTime))
            return Pair<DateTime>((w, v) => w.Write(v.ToBinary()), r => DateTime.FromBinary(r.ReadInt64()));
        if (type == typeof(DateTimeOffset))
        {
            return Pair<DateTimeOffset>(
                (w, v) => { w.Write(v.Ticks); w.Write(v.Offset.Ticks); },
                r => new DateTimeOffset(r.ReadInt64(), new TimeSpan(r.ReadInt64())));
        }
        if (type == typeof(DataViewRowId))
            return Pair<DataViewRowId>((w, v) => { w.Write(v.Low); w.Write(v.High); },
                r => new DataViewRowId(r.ReadUInt64(), r.ReadUInt64()));
        return Number(type);
    }

    private static (Delegate, Delegate) Number(Type type) => Type.GetTypeCode(type) switch
    {
        TypeCode.SByte => Pair<sbyte>((w, v) => w.Write(v), r => r.ReadSByte()),
        TypeCode.Byte => Pair<byte>((w, v) => w.Write(v), r => r.ReadByte()),
        TypeCode.Int16 => Pair<short>((w, v) => w.Write(v), r => r.ReadInt16()),
        TypeCode.UInt16 => Pair<ushort>((w, v) => w.Write(v), r => r.ReadUInt16()),
        TypeCode.Int32 => Pair<int>((w, v) => w.Write(v), r => r.ReadInt32()),
        TypeCode.UInt32 => Pair<uint>((w, v) => w.Write(v), r => r.ReadUInt32()),
        TypeCode.Int64 => Pair<long>((w, v) => w.Write(v), r => r.ReadInt64()),
        TypeCode.UInt64 => Pair<ulong>((w, v) => w.Write(v), r => r.ReadUInt64()),
        TypeCode.Single => Pair<float>((w, v) => w.Write(v), r => r.ReadSingle()),
        TypeCode.Double => Pair<double>((w, v) => w.Write(v), r => r.ReadDouble()),
        _ => throw new InvalidOperationException($"A value of type {type} cannot be saved"),
    };

    private static (Delegate, Delegate) Pair<T>(Action<BinaryWriter, T> write, Func<BinaryReader, T> read) => (write, read);
}
