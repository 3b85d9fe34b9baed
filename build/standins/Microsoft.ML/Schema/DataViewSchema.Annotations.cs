using Microsoft.ML.Data;

namespace Microsoft.ML;

public sealed partial class DataViewSchema
{
    public sealed class Annotations
    {
        private readonly (string Name, Delegate Getter)[] _getters;

        private Annotations(DataViewSchema schema, (string Name, Delegate Getter)[] getters)
        {
            Schema = schema;
            _getters = getters;
        }

        public static Annotations Empty { get; } = new(new DataViewSchema([]), []);

        public DataViewSchema Schema { get; }

        public ValueGetter<TValue> GetGetter<TValue>(Column column)
        {
            if (column.Index < 0 || column.Index >= _getters.Length)
                throw new ArgumentOutOfRangeException(nameof(column));
            return _getters[column.Index].Getter as ValueGetter<TValue>
                ?? throw new InvalidOperationException(
                    $"Invalid call to GetGetter: annotation '{column.Name}' is not of type {typeof(TValue)}");
        }

        public void GetValue<TValue>(string kind, ref TValue value)
        {
            var column = Schema.GetColumnOrNull(kind)
                ?? throw new InvalidOperationException($"Invalid call to GetAnnotation: no annotation '{kind}'");
            GetGetter<TValue>(column)(ref value);
        }

        public override string ToString() => string.Join(", ", Schema.Select(c => c.Name));

        internal Delegate GetterAt(int index) => _getters[index].Getter;

        public sealed class Builder
        {
            private readonly List<(DetachedColumn Column, Delegate Getter)> _items = new();

            public void Add(Annotations annotations, Func<string, bool> selector)
            {
                ArgumentNullException.ThrowIfNull(selector);
                if (annotations is null)
                    return;
                foreach (var column in annotations.Schema.Where(c => selector(c.Name)))
                    _items.Add((new DetachedColumn(column), annotations._getters[column.Index].Getter));
            }

            public void Add<TValue>(string name, DataViewType type, ValueGetter<TValue> getter, Annotations annotations = null)
            {
                ArgumentException.ThrowIfNullOrEmpty(name);
                ArgumentNullException.ThrowIfNull(type);
                ArgumentNullException.ThrowIfNull(getter);
                if (type.RawType != typeof(TValue))
                    throw new ArgumentException($"The getter gives {typeof(TValue)} but the type says {type.RawType}", nameof(type));
                _items.Add((new DetachedColumn(name, type, annotations), getter));
            }

            public void Add(string name, DataViewType type, Delegate getter, Annotations annotations = null)
            {
                ArgumentNullException.ThrowIfNull(type);
                ArgumentNullException.ThrowIfNull(getter);
                if (getter.GetType() != typeof(ValueGetter<>).MakeGenericType(type.RawType))
                    throw new ArgumentException($"The getter gives {getter.GetType()} but the type says {type.RawType}", nameof(getter));
                _items.Add((new DetachedColumn(name, type, annotations), getter));
            }

            public void AddPrimitiveValue<TValue>(string name, PrimitiveDataViewType type, TValue value, Annotations annotations = null) =>
                Add(name, type, (ref TValue destination) => destination = value, annotations);

            public Annotations ToAnnotations() =>
                new(new DataViewSchema(_items.ConvertAll(i => i.Column)), _items.Select(i => (i.Column.Name, i.Getter)).ToArray());
        }
    }
}
