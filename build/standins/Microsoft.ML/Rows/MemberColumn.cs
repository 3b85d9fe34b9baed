using System.Linq.Expressions;
using System.Reflection;

namespace Microsoft.ML.Data;

/// <summary>A public field or property of a row class, and the column it stands for.</summary>
internal sealed class MemberColumn
{
    private readonly MemberInfo _member;

    private MemberColumn(Type owner, SchemaDefinition.Column definition)
    {
        const BindingFlags flags = BindingFlags.Public | BindingFlags.Instance;
        _member = owner.GetMember(definition.MemberName, MemberTypes.Field | MemberTypes.Property, flags).FirstOrDefault()
            ?? throw new InvalidOperationException(
                $"No field or property with name '{definition.MemberName}' found in type '{owner.FullName}'.");
        Name = definition.ColumnName ?? definition.MemberName;
        Type = definition.ColumnType ?? TypeOf(_member);
        Annotations = definition.Annotations;
        var (isVector, item) = Shape(MemberType);
        if (isVector != Type is VectorDataViewType || Type.ItemType().RawType != item)
        {
            throw new ArgumentOutOfRangeException(nameof(definition),
                $"Column '{Name}' of type {Type} does not fit member '{_member.Name}' of type {MemberType}");
        }
    }

    public string Name { get; }

    public DataViewType Type { get; }

    public DataViewSchema.Annotations Annotations { get; }

    public string MemberName => _member.Name;

    public Type MemberType => TypeOfMember(_member);

    public static MemberColumn[] Of(Type owner, SchemaDefinition definition) =>
        definition.Select(c => new MemberColumn(owner, c)).ToArray();

    public static DataViewSchema SchemaOf(IEnumerable<MemberColumn> columns)
    {
        var builder = new DataViewSchema.Builder();
        foreach (var column in columns)
            builder.AddColumn(column.Name, column.Type, column.Annotations);
        return builder.ToSchema();
    }

    public static DataViewType TypeOf(MemberInfo member)
    {
        var (isVector, item) = Shape(TypeOfMember(member));
        var itemType = TypeMap.OfRaw(item);
        if (member.GetCustomAttribute<KeyTypeAttribute>() is { } key)
            itemType = new KeyDataViewType(item, key.Count ?? KeyDataViewType.MaxCount(item));
        if (!isVector)
            return itemType;
        return member.GetCustomAttribute<VectorTypeAttribute>()?.Dimensions is { } dimensions
            ? new VectorDataViewType(itemType, dimensions)
            : new VectorDataViewType(itemType);
    }

    /// <summary>Whether a column of this type can be read into the member.</summary>
    public bool Takes(DataViewType type)
    {
        var (isVector, item) = Shape(MemberType);
        return isVector == type is VectorDataViewType && type.ItemType().RawType == item;
    }

    public Func<TRow, TMember> Reader<TRow, TMember>()
    {
        var row = Expression.Parameter(typeof(TRow));
        return Expression.Lambda<Func<TRow, TMember>>(Expression.MakeMemberAccess(row, _member), row).Compile();
    }

    public Action<TRow, TMember> Writer<TRow, TMember>()
    {
        var row = Expression.Parameter(typeof(TRow));
        var value = Expression.Parameter(typeof(TMember));
        var assign = Expression.Assign(Expression.MakeMemberAccess(row, _member), value);
        return Expression.Lambda<Action<TRow, TMember>>(assign, row, value).Compile();
    }

    private static Type TypeOfMember(MemberInfo member) =>
        member is FieldInfo field ? field.FieldType : ((PropertyInfo)member).PropertyType;

    private static (bool IsVector, Type Item) Shape(Type type)
    {
        var isVector = type.IsArray || type.IsGenericType && type.GetGenericTypeDefinition() == typeof(VBuffer<>);
        var item = !isVector ? type : type.IsArray ? type.GetElementType() : type.GetGenericArguments()[0];
        return (isVector, item == typeof(string) ? typeof(ReadOnlyMemory<char>) : item);
    }
}
