using System.Reflection;

namespace Microsoft.ML.Data;

public sealed class SchemaDefinition : List<SchemaDefinition.Column>
{
    private SchemaDefinition()
    {
    }

    [Flags]
    public enum Direction
    {
        Read = 1,
        Write = 2,
        Both = Read | Write,
    }

    public Column this[string columnName]
    {
        get => Find(c => c.ColumnName == columnName)
            ?? throw new ArgumentOutOfRangeException(nameof(columnName), $"Column '{columnName}' not found");
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            if (value.ColumnName != columnName)
                throw new ArgumentOutOfRangeException(nameof(columnName), "Column name must match the indexer");
            var index = FindIndex(c => c.ColumnName == columnName);
            if (index >= 0)
                this[index] = value;
            else
                Add(value);
        }
    }

    public static SchemaDefinition Create(Type userType, Direction direction = Direction.Both)
    {
        ArgumentNullException.ThrowIfNull(userType);
        var definition = new SchemaDefinition();
        var names = new HashSet<string>();
        foreach (var member in MembersOf(userType, direction))
        {
            if (member.IsDefined(typeof(NoColumnAttribute)))
                continue;
            var name = member.GetCustomAttribute<ColumnNameAttribute>()?.Name ?? member.Name;
            if (!names.Add(name))
                throw new ArgumentOutOfRangeException(nameof(userType), $"Duplicate column name '{name}' detected");
            definition.Add(new Column(member.Name, name, MemberColumn.TypeOf(member)));
        }
        return definition;
    }

    /// <summary>The definition of a row class with the annotations of a schema's columns, every one of which it must have.</summary>
    internal static SchemaDefinition Like(Type userType, DataViewSchema schema)
    {
        ArgumentNullException.ThrowIfNull(schema);
        var definition = Create(userType, Direction.Read);
        foreach (var column in schema)
        {
            var own = definition.Find(c => c.ColumnName == column.Name)
                ?? throw new InvalidOperationException($"Type should contain a member named {column.Name}");
            own.TakeAnnotations(column.Annotations);
        }
        return definition;
    }

    private static IEnumerable<MemberInfo> MembersOf(Type type, Direction direction)
    {
        const BindingFlags flags = BindingFlags.Public | BindingFlags.Instance;
        var properties = type.GetProperties(flags).Where(p => p.GetIndexParameters().Length == 0
            && (!direction.HasFlag(Direction.Read) || p.GetMethod is { IsPublic: true })
            && (!direction.HasFlag(Direction.Write) || p.SetMethod is { IsPublic: true }));
        return type.GetFields(flags).Concat<MemberInfo>(properties);
    }

    public sealed class Column
    {
        private readonly Dictionary<string, (DataViewType Type, Delegate Getter)> _annotations = new();

        internal Column(string memberName, string columnName, DataViewType columnType)
        {
            MemberName = memberName;
            ColumnName = columnName;
            ColumnType = columnType;
        }

        public string MemberName { get; }

        public string ColumnName { get; set; }

        public DataViewType ColumnType { get; set; }

        public DataViewSchema.Annotations Annotations
        {
            get
            {
                var builder = new DataViewSchema.Annotations.Builder();
                foreach (var (kind, annotation) in _annotations)
                    builder.Add(kind, annotation.Type, annotation.Getter);
                return builder.ToAnnotations();
            }
        }

        public void AddAnnotation<T>(string kind, T value, DataViewType annotationType)
        {
            if (_annotations.ContainsKey(kind))
                throw new InvalidOperationException($"Column already contains an annotation of kind '{kind}'.");
            _annotations[kind] = (annotationType, VBufferCopy.From((ref T destination) => destination = value));
        }

        internal void TakeAnnotations(DataViewSchema.Annotations annotations)
        {
            foreach (var column in annotations.Schema)
                _annotations[column.Name] = (column.Type, annotations.GetterAt(column.Index));
        }
    }
}
