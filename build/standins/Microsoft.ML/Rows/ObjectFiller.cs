namespace Microsoft.ML.Data;

/// <summary>Binds the members of a row class to the columns of a schema, to fill objects from rows.</summary>
internal sealed class ObjectBinding<TRow>
    where TRow : class
{
    private readonly (MemberColumn Member, DataViewSchema.Column Column)[] _bound;

    public ObjectBinding(DataViewSchema schema, bool ignoreMissingColumns, SchemaDefinition definition)
    {
        var bound = new List<(MemberColumn, DataViewSchema.Column)>();
        definition ??= SchemaDefinition.Create(typeof(TRow), SchemaDefinition.Direction.Write);
        foreach (var member in MemberColumn.Of(typeof(TRow), definition))
        {
            if (schema.GetColumnOrNull(member.Name) is not { } column)
            {
                if (ignoreMissingColumns)
                    continue;
                throw Errors.SchemaMismatch(nameof(schema), "", member.Name);
            }
            if (!member.Takes(column.Type))
            {
                throw new InvalidOperationException(
                    $"Can't bind the IDataView column '{member.Name}' of type '{column.Type}' to field or property "
                    + $"'{member.MemberName}' of type '{member.MemberType.FullName}'.");
            }
            bound.Add((member, column));
        }
        _bound = bound.ToArray();
    }

    public IEnumerable<DataViewSchema.Column> Columns => _bound.Select(b => b.Column);

    public Action<TRow> Filler(DataViewRow row)
    {
        var setters = _bound.Select(b => Setter(b.Member, row, b.Column)).ToArray();
        return target =>
        {
            foreach (var set in setters)
                set(target);
        };
    }

    private static Action<TRow> Setter(MemberColumn member, DataViewRow row, DataViewSchema.Column column)
    {
        var type = member.MemberType;
        if (type == typeof(string))
        {
            var getter = row.GetGetter<ReadOnlyMemory<char>>(column);
            var write = member.Writer<TRow, string>();
            return target =>
            {
                ReadOnlyMemory<char> value = default;
                getter(ref value);
                write(target, value.ToString());
            };
        }
        if (type == typeof(string[]))
            return ArraySetter<ReadOnlyMemory<char>, string>(member, row, column, t => t.ToString());
        var (method, item) = type.IsArray ? (nameof(PlainArraySetter), type.GetElementType()) : (nameof(PlainSetter), type);
        return (Action<TRow>)TypeMap.Call(typeof(ObjectBinding<TRow>), method, [item], member, row, column);
    }

    private static Action<TRow> PlainSetter<TMember>(MemberColumn member, DataViewRow row, DataViewSchema.Column column)
    {
        var getter = row.GetGetter<TMember>(column);
        var write = member.Writer<TRow, TMember>();
        // A vector keeps its buffers in the object, to be written over for the next row.
        var read = member.Reader<TRow, TMember>();
        return target =>
        {
            var value = read(target);
            getter(ref value);
            write(target, value);
        };
    }

    private static Action<TRow> PlainArraySetter<TItem>(MemberColumn member, DataViewRow row, DataViewSchema.Column column) =>
        ArraySetter<TItem, TItem>(member, row, column, item => item);

    private static Action<TRow> ArraySetter<TFrom, TTo>(
        MemberColumn member, DataViewRow row, DataViewSchema.Column column, Func<TFrom, TTo> convert)
    {
        var getter = row.GetGetter<VBuffer<TFrom>>(column);
        var read = member.Reader<TRow, TTo[]>();
        var write = member.Writer<TRow, TTo[]>();
        VBuffer<TFrom> buffer = default;
        return target =>
        {
            getter(ref buffer);
            var array = read(target);
            if (array is null || array.Length != buffer.Length)
                array = new TTo[buffer.Length];
            for (var i = 0; i < array.Length; i++)
                array[i] = convert(buffer.GetItemOrDefault(i));
            write(target, array);
        };
    }
}
