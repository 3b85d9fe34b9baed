namespace Microsoft.ML.Data;

/// <summary>Columns read from the members of the object that stands in a cell the caller moves.</summary>
internal sealed class ObjectColumns<TRow>
    where TRow : class
{
    private readonly MemberColumn[] _columns;

    public ObjectColumns(SchemaDefinition definition)
    {
        _columns = MemberColumn.Of(typeof(TRow), definition ?? SchemaDefinition.Create(typeof(TRow), SchemaDefinition.Direction.Read));
        Schema = MemberColumn.SchemaOf(_columns);
    }

    public DataViewSchema Schema { get; }

    public ValueGetter<TValue> Getter<TValue>(DataViewSchema.Column column, Func<TRow> current)
    {
        var member = _columns[column.Index];
        var getter = (Delegate)Make(member, current);
        return Getters.Cast<TValue>(getter, Schema[column.Index]);
    }

    private static object Make(MemberColumn member, Func<TRow> current)
    {
        var type = member.MemberType;
        if (type == typeof(string))
        {
            var read = member.Reader<TRow, string>();
            return (ValueGetter<ReadOnlyMemory<char>>)((ref ReadOnlyMemory<char> value) => value = read(current()).AsMemory());
        }
        if (type == typeof(string[]))
        {
            var read = member.Reader<TRow, string[]>();
            return VectorGetter(() => read(current()), s => s.AsMemory());
        }
        if (member.Type is KeyDataViewType key)
            return TypeMap.Call(typeof(ObjectColumns<TRow>), nameof(KeyGetter), [type], member, current, key.Count);
        return type.IsArray
            ? TypeMap.Call(typeof(ObjectColumns<TRow>), nameof(ArrayGetter), [type.GetElementType()], member, current)
            : TypeMap.Call(typeof(ObjectColumns<TRow>), nameof(PlainGetter), [type], member, current);
    }

    private static object ArrayGetter<TItem>(MemberColumn member, Func<TRow> current)
    {
        var read = member.Reader<TRow, TItem[]>();
        return VectorGetter(() => read(current()), item => item);
    }

    // A member holds keys from 0, a column holds them from 1 and keeps 0 for what is missing.
    private static object KeyGetter<TMember>(MemberColumn member, Func<TRow> current, ulong count)
    {
        var read = member.Reader<TRow, TMember>();
        return (ValueGetter<TMember>)((ref TMember value) =>
        {
            var key = Convert.ToUInt64(read(current()));
            value = (TMember)Convert.ChangeType(key < count ? key + 1 : 0, typeof(TMember));
        });
    }

    private static object PlainGetter<TMember>(MemberColumn member, Func<TRow> current)
    {
        var read = member.Reader<TRow, TMember>();
        return VBufferCopy.From((ref TMember value) => value = read(current()));
    }

    private static ValueGetter<VBuffer<TTo>> VectorGetter<TFrom, TTo>(Func<TFrom[]> read, Func<TFrom, TTo> convert) =>
        (ref VBuffer<TTo> value) =>
    {
        var items = read() ?? [];
        var editor = VBufferEditor.Create(ref value, items.Length);
        for (var i = 0; i < items.Length; i++)
            editor.Values[i] = convert(items[i]);
        value = editor.Commit();
    };
}

/// <summary>One reused row whose object is replaced for each prediction.</summary>
internal sealed class ObjectRow<TRow>(ObjectColumns<TRow> columns) : DataViewRow
    where TRow : class
{
    private TRow _current;
    private long _position = -1;

    public override DataViewSchema Schema => columns.Schema;

    public override long Position => _position;

    public override long Batch => 0;

    public void Show(TRow row)
    {
        _current = row;
        _position++;
    }

    public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId value) => value = new DataViewRowId((ulong)_position, 0);

    public override bool IsColumnActive(DataViewSchema.Column column) => true;

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => columns.Getter<TValue>(column, () => _current);
}
