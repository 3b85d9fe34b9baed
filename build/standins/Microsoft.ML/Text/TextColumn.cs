using System.Globalization;

namespace Microsoft.ML.Data;

/// <summary>One column of a text loader: which fields of a line it takes and how it reads them.</summary>
internal sealed class TextColumn
{
    private readonly (int Min, int Max)[] _ranges;
    private readonly DataKind _kind;
    private readonly ulong? _keyCount;
    private readonly bool _missingIsNaN;

    public TextColumn(TextLoader.Column column, TextLoader.Options options, IMultiStreamSource sample)
    {
        Name = column.Name;
        _kind = column.DataKind;
        _missingIsNaN = options.MissingRealsAsNaNs;
        _ranges = column.Source.Select(r => (r.Min, r.Max ?? LastField(options, sample))).ToArray();
        PrimitiveDataViewType item = TypeMap.OfKind(_kind);
        if (column.KeyCount is { } key)
        {
            _keyCount = key.Count ?? KeyDataViewType.MaxCount(item.RawType);
            item = new KeyDataViewType(item.RawType, _keyCount.Value);
        }
        var isVector = _ranges.Length > 1 || _ranges[0].Max > _ranges[0].Min || column.Source[0].ForceVector;
        Type = isVector ? new VectorDataViewType(item, Size) : item;
    }

    public string Name { get; }

    public DataViewType Type { get; }

    private int Size => _ranges.Sum(r => r.Max - r.Min + 1);

    public static TextLoader.Column Read(BinaryReader reader)
    {
        var name = reader.ReadString();
        var kind = (DataKind)reader.ReadByte();
        var keyCount = reader.ReadUInt64();
        var isVector = reader.ReadBoolean();
        var ranges = new TextLoader.Range[reader.ReadInt32()];
        for (var i = 0; i < ranges.Length; i++)
            ranges[i] = new TextLoader.Range(reader.ReadInt32(), reader.ReadInt32()) { ForceVector = isVector };
        return new TextLoader.Column(name, kind, ranges, keyCount > 0 ? new KeyCount(keyCount) : null);
    }

    public void Write(BinaryWriter writer)
    {
        writer.Write(Name);
        writer.Write((byte)_kind);
        writer.Write(_keyCount ?? 0);
        writer.Write(Type is VectorDataViewType);
        writer.Write(_ranges.Length);
        foreach (var (min, max) in _ranges)
        {
            writer.Write(min);
            writer.Write(max);
        }
    }

    public Delegate MakeGetter(Func<IReadOnlyList<ReadOnlyMemory<char>>> fields) =>
        (Delegate)TypeMap.Call(typeof(TextColumn), Type is VectorDataViewType ? nameof(VectorGetter) : nameof(ScalarGetter),
            [Type.ItemType().RawType], this, fields);

    private static ValueGetter<T> ScalarGetter<T>(TextColumn column, Func<IReadOnlyList<ReadOnlyMemory<char>>> fields)
    {
        var index = column._ranges[0].Min;
        return (ref T value) => value = column.Parse<T>(fields(), index);
    }

    private static ValueGetter<VBuffer<T>> VectorGetter<T>(TextColumn column, Func<IReadOnlyList<ReadOnlyMemory<char>>> fields)
    {
        var indices = column._ranges.SelectMany(r => Enumerable.Range(r.Min, r.Max - r.Min + 1)).ToArray();
        return (ref VBuffer<T> value) =>
        {
            var line = fields();
            var editor = VBufferEditor.Create(ref value, indices.Length);
            for (var i = 0; i < indices.Length; i++)
                editor.Values[i] = column.Parse<T>(line, indices[i]);
            value = editor.Commit();
        };
    }

    private static int LastField(TextLoader.Options options, IMultiStreamSource sample)
    {
        if (sample is null || sample.Count == 0)
            throw new ArgumentException("A column that takes all further fields needs a sample of the data", nameof(sample));
        var first = LineFields.Lines(sample, options).Select(l => LineFields.Split(l, options).Count).FirstOrDefault();
        return Math.Max(first - 1, 0);
    }

    private T Parse<T>(IReadOnlyList<ReadOnlyMemory<char>> fields, int index)
    {
        var field = index < fields.Count ? fields[index] : default;
        if (_kind == DataKind.String)
            return (T)(object)field;
        return (T)(_keyCount is { } count ? ParseKey(field.Span, count, typeof(T)) : ParseValue(field.Span.Trim()));
    }

    // Text holds keys from 0, a column holds them from 1 and keeps 0 for what is missing.
    private static object ParseKey(ReadOnlySpan<char> text, ulong count, Type type)
    {
        var key = ulong.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var value) && value < count ? value + 1 : 0;
        return Convert.ChangeType(key, type, CultureInfo.InvariantCulture);
    }

    private object ParseValue(ReadOnlySpan<char> text)
    {
        var culture = CultureInfo.InvariantCulture;
        var bad = text.IsEmpty && !_missingIsNaN ? 0 : double.NaN;
        switch (_kind)
        {
            case DataKind.Single:
                return float.TryParse(text, NumberStyles.Float, culture, out var single) ? single : (float)bad;
            case DataKind.Double:
                return double.TryParse(text, NumberStyles.Float, culture, out var number) ? number : bad;
            case DataKind.Boolean:
                return text is "1" or "+1" or "+" || text.Equals("true", StringComparison.OrdinalIgnoreCase)
                    || text.Equals("yes", StringComparison.OrdinalIgnoreCase);
            case DataKind.DateTime:
                return DateTime.TryParse(text, culture, DateTimeStyles.None, out var time) ? time : default;
            case DataKind.DateTimeOffset:
                return DateTimeOffset.TryParse(text, culture, DateTimeStyles.None, out var offset) ? offset : default;
            case DataKind.TimeSpan:
                return TimeSpan.TryParse(text, culture, out var span) ? span : default;
            default:
                return Convert.ChangeType(text.IsEmpty ? 0m : decimal.Parse(text, culture), Type.ItemType().RawType, culture);
        }
    }
}
