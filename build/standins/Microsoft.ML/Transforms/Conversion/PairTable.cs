using Microsoft.ML.Data;

namespace Microsoft.ML.Transforms;

/// <summary>Makes the lookup of a list of pairs.</summary>
internal static class PairTable
{
    private const string Key = "Key";
    private const string Value = "Value";

    public static ValueLookup Of<TKey, TValue>(IEnumerable<KeyValuePair<TKey, TValue>> pairs, bool valuesAsKeys)
    {
        ArgumentNullException.ThrowIfNull(pairs);
        var rows = pairs.Select(p => new Row<TKey, TValue> { Key = p.Key, Value = p.Value }).ToList();
        if (valuesAsKeys)
            return WithKeys(rows);
        var view = new EnumerableView<Row<TKey, TValue>>(rows, new ObjectColumns<Row<TKey, TValue>>(null));
        return ValueLookup.Of(view, view.Schema[Key], view.Schema[Value]);
    }

    private static ValueLookup WithKeys<TKey, TValue>(List<Row<TKey, TValue>> rows)
    {
        var distinct = rows.Select(r => r.Value).Distinct().ToList();
        var numbered = rows.Select(r => new Row<TKey, uint> { Key = r.Key, Value = (uint)distinct.IndexOf(r.Value) + 1 }).ToList();
        var definition = SchemaDefinition.Create(typeof(Row<TKey, uint>));
        definition[Value].ColumnType = new KeyDataViewType(typeof(uint), Math.Max(1, distinct.Count));
        definition[Value].AddAnnotation(AnnotationNames.KeyValues, Texts(distinct),
            new VectorDataViewType(TextDataViewType.Instance, distinct.Count));
        var view = new EnumerableView<Row<TKey, uint>>(numbered, new ObjectColumns<Row<TKey, uint>>(definition));
        return ValueLookup.Of(view, view.Schema[Key], view.Schema[Value]);
    }

    private static VBuffer<ReadOnlyMemory<char>> Texts<TValue>(List<TValue> values) =>
        new(values.Count, values.ConvertAll(v => Convert.ToString(v, System.Globalization.CultureInfo.InvariantCulture).AsMemory())
            .ToArray());

    private sealed class Row<TKey, TValue>
    {
        public TKey Key { get; set; }

        public TValue Value { get; set; }
    }
}
