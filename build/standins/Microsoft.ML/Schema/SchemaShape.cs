using System.Collections;
using Microsoft.ML.Data;

namespace Microsoft.ML;

public sealed class SchemaShape : IReadOnlyList<SchemaShape.Column>
{
    private static readonly SchemaShape Empty = new([]);

    private readonly Column[] _columns;

    public SchemaShape(IEnumerable<Column> columns)
    {
        ArgumentNullException.ThrowIfNull(columns);
        _columns = columns.ToArray();
    }

    public int Count => _columns.Length;

    public Column this[int index] => _columns[index];

    public IEnumerator<Column> GetEnumerator() => ((IEnumerable<Column>)_columns).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    internal static SchemaShape Create(DataViewSchema schema) => new(schema.Where(c => !c.IsHidden).Select(c =>
    {
        var annotations = c.Annotations.Schema.Select(a => Column.Of(a.Name, a.Type, null));
        return Column.Of(c.Name, c.Type, new SchemaShape(annotations));
    }));

    internal bool TryFindColumn(string name, out Column column)
    {
        foreach (var candidate in _columns)
        {
            if (candidate.Name == name)
            {
                column = candidate;
                return true;
            }
        }
        column = default;
        return false;
    }

    internal Column Find(string name) =>
        TryFindColumn(name, out var column) ? column : throw Errors.SchemaMismatch("inputSchema", "input", name);

    /// <summary>These columns with <paramref name="added"/> put in the place of the same names, or at the end.</summary>
    internal SchemaShape With(params Column[] added)
    {
        var byName = _columns.ToDictionary(c => c.Name);
        foreach (var column in added)
            byName[column.Name] = column;
        return new SchemaShape(byName.Values);
    }

    public readonly struct Column
    {
        public readonly string Name;
        public readonly VectorKind Kind;
        public readonly DataViewType ItemType;
        public readonly bool IsKey;
        public readonly SchemaShape Annotations;

        internal Column(string name, VectorKind vecKind, DataViewType itemType, bool isKey, SchemaShape annotations = null)
        {
            Name = name;
            Kind = vecKind;
            ItemType = itemType;
            IsKey = isKey;
            Annotations = annotations ?? Empty;
        }

        public enum VectorKind
        {
            Scalar,
            Vector,
            VariableVector,
        }

        internal static Column Of(string name, DataViewType type, SchemaShape annotations)
        {
            var kind = type is not VectorDataViewType vector ? VectorKind.Scalar
                : vector.IsKnownSize ? VectorKind.Vector : VectorKind.VariableVector;
            return new Column(name, kind, type.PlainItemType(), type.ItemType() is KeyDataViewType, annotations);
        }

        internal Column Renamed(string name) => new(name, Kind, ItemType, IsKey, Annotations);

        internal string GetTypeString()
        {
            var item = IsKey ? $"Key<{ItemType}>" : ItemType.ToString();
            return Kind switch { VectorKind.Vector => $"Vector<{item}>", VectorKind.VariableVector => $"VarVector<{item}>", _ => item };
        }
    }
}
