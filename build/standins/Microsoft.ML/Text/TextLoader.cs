using System.Reflection;

namespace Microsoft.ML.Data;

public sealed partial class TextLoader : IDataLoader<IMultiStreamSource>
{
    private readonly Options _options;
    private readonly TextColumn[] _columns;
    private readonly DataViewSchema _schema;

    internal TextLoader(Options options, IMultiStreamSource dataSample)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        if (options.AllowSparse || options.ReadMultilines)
            throw new NotSupportedException("The stand-in of TextLoader reads neither sparse rows nor rows of several lines");
        _columns = (options.Columns ?? []).Select(c => new TextColumn(c, options, dataSample)).ToArray();
        if (_columns.Length == 0)
            throw new ArgumentOutOfRangeException(nameof(options), "Need at least one column");
        var builder = new DataViewSchema.Builder();
        foreach (var column in _columns)
            builder.AddColumn(column.Name, column.Type);
        _schema = builder.ToSchema();
    }

    public DataViewSchema GetOutputSchema() => _schema;

    public IDataView Load(IMultiStreamSource source)
    {
        ArgumentNullException.ThrowIfNull(source);
        return new TextView(source, _options, _columns, _schema);
    }

    /// <summary>The columns that the members of a row class say they are loaded from.</summary>
    internal static Column[] ColumnsOf(Type rowType)
    {
        const BindingFlags flags = BindingFlags.Public | BindingFlags.Instance;
        var columns = new List<Column>();
        foreach (var member in rowType.GetFields(flags).Concat<MemberInfo>(rowType.GetProperties(flags)))
        {
            if (member.GetCustomAttribute<LoadColumnAttribute>() is not { } load)
                continue;
            var type = MemberColumn.TypeOf(member);
            var name = member.GetCustomAttribute<ColumnNameAttribute>()?.Name ?? member.Name;
            var key = type.ItemType() is KeyDataViewType keyType ? new KeyCount(keyType.Count) : null;
            var ranges = load.Sources
                .Select(r => new Range(r.Min, r.Max) { ForceVector = type is VectorDataViewType }).ToArray();
            columns.Add(new Column(name, TypeMap.KindOf(type.ItemType().RawType), ranges, key));
        }
        if (columns.Count == 0)
            throw new ArgumentOutOfRangeException(nameof(rowType),
                $"{rowType} defines no public field or property with a LoadColumn attribute");
        return columns.ToArray();
    }

    void ICanSaveModel.Save(ModelSaveContext ctx)
    {
        var writer = ctx.Begin(ModelLoaders.TextLoader);
        writer.Write(new string(_options.Separators));
        writer.Write(_options.HasHeader);
        writer.Write(_options.AllowQuoting);
        writer.Write(_options.TrimWhitespace);
        writer.Write(_options.MissingRealsAsNaNs);
        writer.Write(_options.MaxRows ?? long.MaxValue);
        writer.Write(_columns.Length);
        foreach (var column in _columns)
            column.Write(writer);
    }

    internal static object LoadModel(ModelLoadContext ctx)
    {
        var reader = ctx.Reader;
        var options = new Options
        {
            Separators = reader.ReadString().ToCharArray(),
            HasHeader = reader.ReadBoolean(),
            AllowQuoting = reader.ReadBoolean(),
            TrimWhitespace = reader.ReadBoolean(),
            MissingRealsAsNaNs = reader.ReadBoolean(),
            MaxRows = reader.ReadInt64(),
        };
        options.Columns = Enumerable.Range(0, reader.ReadInt32()).Select(_ => TextColumn.Read(reader)).ToArray();
        return new TextLoader(options, null);
    }
}
