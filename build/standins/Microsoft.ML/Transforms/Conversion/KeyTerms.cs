using Microsoft.ML.Data;

namespace Microsoft.ML.Transforms;

/// <summary>The values that keys stand for, in the order of the keys.</summary>
internal abstract class KeyTerms
{
    private protected KeyTerms(PrimitiveDataViewType itemType) => ItemType = itemType;

    public PrimitiveDataViewType ItemType { get; }

    public abstract int Count { get; }

    public static KeyTerms Of(IDataView data, DataViewSchema.Column column, int maximum, bool sorted) =>
        (KeyTerms)TypeMap.Call(typeof(KeyTerms), nameof(Collect), [column.Type.ItemType().RawType], data, column, maximum, sorted);

    public static KeyTerms Read(BinaryReader reader)
    {
        var type = (PrimitiveDataViewType)SchemaCodec.Read(reader)[0].Type;
        return (KeyTerms)TypeMap.Call(typeof(KeyTerms), nameof(ReadTyped), [type.RawType], reader, type);
    }

    public abstract void Write(BinaryWriter writer);

    public abstract void Annotate(DataViewSchema.Annotations.Builder builder, bool asText);

    public abstract Delegate MakeGetter(DataViewRow row, DataViewSchema.Column input);

    private static KeyTerms Collect<T>(IDataView data, DataViewSchema.Column column, int maximum, bool sorted)
    {
        var seen = new HashSet<T>(Missing.Comparer<T>());
        var terms = new List<T>();
        using var cursor = data.GetRowCursor([column]);
        var read = Items<T>(cursor, column);
        while (cursor.MoveNext())
        {
            foreach (var item in read())
            {
                if (terms.Count < maximum && !Missing.Is(item) && seen.Add(item))
                    terms.Add(item);
            }
        }
        if (sorted)
            terms.Sort(Missing.Order<T>());
        return new Terms<T>((PrimitiveDataViewType)column.Type.ItemType(), terms);
    }

    private static Func<IEnumerable<T>> Items<T>(DataViewRow row, DataViewSchema.Column column)
    {
        if (column.Type is VectorDataViewType)
        {
            var vector = row.GetGetter<VBuffer<T>>(column);
            return () =>
            {
                VBuffer<T> buffer = default;
                vector(ref buffer);
                return buffer.DenseValues();
            };
        }
        var getter = row.GetGetter<T>(column);
        return () =>
        {
            T value = default;
            getter(ref value);
            return [value];
        };
    }

    private static KeyTerms ReadTyped<T>(BinaryReader reader, PrimitiveDataViewType type)
    {
        var terms = new List<T>();
        for (var left = reader.ReadInt32(); left > 0; left--)
            terms.Add(ValueCodec<T>.Read(reader));
        return new Terms<T>(type, terms);
    }

    private sealed class Terms<T> : KeyTerms
    {
        private readonly List<T> _terms;
        private readonly Dictionary<T, uint> _keys = new(Missing.Comparer<T>());

        public Terms(PrimitiveDataViewType itemType, List<T> terms) : base(itemType)
        {
            _terms = terms;
            foreach (var term in terms)
                _keys.Add(term, (uint)_keys.Count + 1);
        }

        public override int Count => _terms.Count;

        public override void Write(BinaryWriter writer)
        {
            SchemaCodec.Write(writer, DataViewSchema.Of([new("Term", ItemType)]));
            writer.Write(_terms.Count);
            foreach (var term in _terms)
                ValueCodec<T>.Write(writer, term);
        }

        public override void Annotate(DataViewSchema.Annotations.Builder builder, bool asText)
        {
            if (asText && typeof(T) != typeof(ReadOnlyMemory<char>))
                Add(builder, TextDataViewType.Instance,
                    _terms.ConvertAll(t => Convert.ToString(t, System.Globalization.CultureInfo.InvariantCulture).AsMemory()));
            else
                Add(builder, ItemType, _terms);
        }

        public override Delegate MakeGetter(DataViewRow row, DataViewSchema.Column input)
        {
            if (input.Type is VectorDataViewType)
            {
                var vector = row.GetGetter<VBuffer<T>>(input);
                VBuffer<T> buffer = default;
                return (ValueGetter<VBuffer<uint>>)((ref VBuffer<uint> value) =>
                {
                    vector(ref buffer);
                    var editor = VBufferEditor.Create(ref value, buffer.Length);
                    for (var i = 0; i < buffer.Length; i++)
                        editor.Values[i] = _keys.GetValueOrDefault(buffer.GetItemOrDefault(i));
                    value = editor.Commit();
                });
            }
            var getter = row.GetGetter<T>(input);
            T item = default;
            return (ValueGetter<uint>)((ref uint value) =>
            {
                getter(ref item);
                value = _keys.GetValueOrDefault(item);
            });
        }

        private static void Add<TItem>(DataViewSchema.Annotations.Builder builder, PrimitiveDataViewType type, List<TItem> values)
        {
            var value = new VBuffer<TItem>(values.Count, values.ToArray());
            builder.Add(AnnotationNames.KeyValues, new VectorDataViewType(type, values.Count),
                VBufferCopy.From((ref VBuffer<TItem> destination) => destination = value));
        }
    }
}
