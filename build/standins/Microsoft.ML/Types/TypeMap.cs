using System.Reflection;

namespace Microsoft.ML.Data;

/// <summary>Which data-view type stands for which .NET type, and calls of generic methods by a type known at run time.</summary>
internal static class TypeMap
{
    private static readonly Dictionary<Type, (PrimitiveDataViewType Type, DataKind Kind)> Primitives = new()
    {
        [typeof(sbyte)] = (NumberDataViewType.SByte, DataKind.SByte),
        [typeof(byte)] = (NumberDataViewType.Byte, DataKind.Byte),
        [typeof(short)] = (NumberDataViewType.Int16, DataKind.Int16),
        [typeof(ushort)] = (NumberDataViewType.UInt16, DataKind.UInt16),
        [typeof(int)] = (NumberDataViewType.Int32, DataKind.Int32),
        [typeof(uint)] = (NumberDataViewType.UInt32, DataKind.UInt32),
        [typeof(long)] = (NumberDataViewType.Int64, DataKind.Int64),
        [typeof(ulong)] = (NumberDataViewType.UInt64, DataKind.UInt64),
        [typeof(float)] = (NumberDataViewType.Single, DataKind.Single),
        [typeof(double)] = (NumberDataViewType.Double, DataKind.Double),
        [typeof(ReadOnlyMemory<char>)] = (TextDataViewType.Instance, DataKind.String),
        [typeof(bool)] = (BooleanDataViewType.Instance, DataKind.Boolean),
        [typeof(TimeSpan)] = (TimeSpanDataViewType.Instance, DataKind.TimeSpan),
        [typeof(DateTime)] = (DateTimeDataViewType.Instance, DataKind.DateTime),
        [typeof(DateTimeOffset)] = (DateTimeOffsetDataViewType.Instance, DataKind.DateTimeOffset),
    };

    public static PrimitiveDataViewType OfRaw(Type type)
    {
        if (type == typeof(string))
            return TextDataViewType.Instance;
        if (type == typeof(DataViewRowId))
            return RowIdDataViewType.Instance;
        return Primitives.TryGetValue(type, out var found)
            ? found.Type
            : throw new ArgumentOutOfRangeException(nameof(type), $"Could not determine an IDataView type for {type.FullName}");
    }

    public static PrimitiveDataViewType OfKind(DataKind kind) =>
        Primitives.Values.FirstOrDefault(p => p.Kind == kind).Type
        ?? throw new ArgumentOutOfRangeException(nameof(kind), $"Unknown data kind {kind}");

    public static DataKind KindOf(Type type) => Primitives.TryGetValue(type, out var found)
        ? found.Kind
        : throw new InvalidOperationException($"No data kind stands for {type}");

    public static DataViewType ItemType(this DataViewType type) => type is VectorDataViewType vector ? vector.ItemType : type;

    /// <summary>The number, text or other plain type under a key or any other primitive type.</summary>
    public static DataViewType PlainItemType(this DataViewType type) =>
        type.ItemType() is KeyDataViewType key ? OfRaw(key.RawType) : type.ItemType();

    /// <summary>Calls the one generic static method of that name on <paramref name="owner"/> with these type arguments.</summary>
    public static object Call(Type owner, string method, Type[] types, params object[] args)
    {
        const BindingFlags flags = BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public | BindingFlags.DoNotWrapExceptions;
        return owner.GetMethod(method, flags).MakeGenericMethod(types).Invoke(null, flags, null, args, null);
    }
}
