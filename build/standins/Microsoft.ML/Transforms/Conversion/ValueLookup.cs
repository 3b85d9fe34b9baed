using Microsoft.ML.Data;

namespace Microsoft.ML.Transforms;

/// <summary>A table from keys to values with the types of both.</summary>
internal abstract class ValueLookup
{
    private protected ValueLookup(DataViewType keyType, DataViewSchema valueSchema)
    {
        KeyType = keyType;
        ValueSchema = valueSchema;
    }

    public DataViewType KeyType { get; }

    /// <summary>One column: the type of the values and their annotations.</summary>
    public DataViewSchema ValueSchema { get; }

    public static ValueLookup Of(IDataView table, DataViewSchema.Column key, DataViewSchema.Column value)
    {
        using var cursor = table.GetRowCursor([key, value]);
        return (ValueLookup)TypeMap.Call(typeof(ValueLookup), nameof(FromRows), [key.Type.RawType, value.Type.RawType], cursor, key, value);
    }

    public static ValueLookup Read(BinaryReader reader)
    {
        var schema = SchemaCodec.Read(reader);
        return (ValueLookup)TypeMap.Call(typeof(ValueLookup), nameof(FromFile), [schema[0].Type.RawType, schema[1].Type.RawType], reader,
            schema);
    }

    public abstract void Write(BinaryWriter writer);

    public abstract Delegate MakeGetter(DataViewRow row, DataViewSchema.Column input);

    private static ValueLookup FromRows<TKey, TValue>(DataViewRowCursor cursor, DataViewSchema.Column key, DataViewSchema.Column value)
    {
        var getKey = cursor.GetGetter<TKey>(key);
        var getValue = cursor.GetGetter<TValue>(value);
        var rows = new List<KeyValuePair<TKey, TValue>>();
        while (cursor.MoveNext())
        {
            TKey rowKey = default;
            TValue rowValue = default;
            getKey(ref rowKey);
            getValue(ref rowValue);
            rows.Add(new(rowKey, rowValue));
        }
        return new Table<TKey, TValue>(key.Type, DataViewSchema.Of([new(value)]), rows);
    }

    private static ValueLookup FromFile<TKey, TValue>(BinaryReader reader, DataViewSchema schema)
    {
        var rows = new KeyValuePair<TKey, TValue>[reader.ReadInt32()];
        for (var i = 0; i < rows.Length; i++)
            rows[i] = new(ValueCodec<TKey>.Read(reader), ValueCodec<TValue>.Read(reader));
        return new Table<TKey, TValue>(schema[0].Type, DataViewSchema.Of([new(schema[1])]), rows);
    }

    private sealed class Table<TKey, TValue> : ValueLookup
    {
        private readonly Dictionary<TKey, TValue> _values = new(Missing.Comparer<TKey>());

        public Table(DataViewType keyType, DataViewSchema valueSchema, IEnumerable<KeyValuePair<TKey, TValue>> rows)
            : base(keyType, valueSchema)
        {
            foreach (var (key, value) in rows)
            {
                if (!_values.TryAdd(key, value))
                    throw new InvalidOperationException($"Duplicate keys found in dictionary (key: '{key}')");
            }
        }

        public override void Write(BinaryWriter writer)
        {
            SchemaCodec.Write(writer, DataViewSchema.Of(
                [new("Key", KeyType), new(ValueSchema[0].Name, ValueSchema[0].Type, ValueSchema[0].Annotations)]));
            writer.Write(_values.Count);
            foreach (var (key, value) in _values)
            {
                ValueCodec<TKey>.Write(writer, key);
                ValueCodec<TValue>.Write(writer, value);
            }
        }

        public override Delegate MakeGetter(DataViewRow row, DataViewSchema.Column input)
        {
            var getter = row.GetGetter<TKey>(input);
            TKey key = default;
            return VBufferCopy.From((ref TValue value) =>
            {
                getter(ref key);
                value = _values.TryGetValue(key, out var found) ? found : Missing.Value<TValue>();
            });
        }
    }
}
