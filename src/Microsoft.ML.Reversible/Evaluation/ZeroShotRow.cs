using System.Globalization;
using Microsoft.ML.Data;
using Microsoft.ML.Reversible.MLNet;

namespace Microsoft.ML.Reversible;

/// <summary>A row of data, with the values of the columns that a zero-shot task reads.</summary>
public sealed class ZeroShotRow
{
    private readonly DataViewRow _row;
    private readonly Dictionary<string, Func<object>> _values = [];

    /// <param name="row">The row or cursor. The columns must be active in it.</param>
    /// <param name="columns">The columns that can be read.</param>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type.</exception>
    internal ZeroShotRow(DataViewRow row, IEnumerable<ZeroShotColumn> columns)
    {
        _row = row;
        foreach (ZeroShotColumn column in columns) _values[column.Name] = Reader(row, column.Find(row.Schema));
    }

    /// <summary>The row's number, counted from 0.</summary>
    public long Number => _row.Position;

    /// <summary>Returns the value of a text column.</summary>
    /// <param name="name">The column's name.</param>
    /// <exception cref="ArgumentException">The task does not list such a text column.</exception>
    public string Text(string name) => Value<string>(name, nameof(ZeroShotColumn.Text));

    /// <summary>Returns the values of a column of text vectors.</summary>
    /// <param name="name">The column's name.</param>
    /// <exception cref="ArgumentException">The task does not list such a column of text vectors.</exception>
    public IReadOnlyList<string> Texts(string name) => Value<string[]>(name, nameof(ZeroShotColumn.Texts));

    /// <summary>Returns the value of an integer column.</summary>
    /// <param name="name">The column's name.</param>
    /// <exception cref="ArgumentException">The task does not list such an integer column.</exception>
    /// <exception cref="InvalidDataException">The value does not fit an <see cref="int"/>.</exception>
    public int Integer(string name)
    {
        decimal value = Value<decimal>(name, nameof(ZeroShotColumn.Integer));
        return value is >= int.MinValue and <= int.MaxValue
            ? (int)value
            : throw new InvalidDataException(string.Create(
                CultureInfo.InvariantCulture, $"Row {Number} of column '{name}' is {value}, which is outside the range of Int32."));
    }

    private TValue Value<TValue>(string name, string kind)
    {
        if (!_values.TryGetValue(name, out Func<object>? read))
            throw new ArgumentException(
                $"The task does not list column '{name}': add {nameof(ZeroShotColumn)}.{kind}(\"{name}\") to its columns.",
                nameof(name));
        return read() is TValue value
            ? value
            : throw new ArgumentException($"The task does not list column '{name}' as {nameof(ZeroShotColumn)}.{kind}.", nameof(name));
    }

    private static Func<object> Reader(DataViewRow row, DataViewSchema.Column column) => column.Type switch
    {
        TextDataViewType => TextReader(row.GetGetter<ReadOnlyMemory<char>>(column)),
        VectorDataViewType => TextsReader(row.GetGetter<VBuffer<ReadOnlyMemory<char>>>(column)),
        _ => column.Type.RawType switch
        {
            Type t when t == typeof(int) => IntegerReader<int>(row, column, value => value),
            Type t when t == typeof(long) => IntegerReader<long>(row, column, value => value),
            Type t when t == typeof(short) => IntegerReader<short>(row, column, value => value),
            Type t when t == typeof(sbyte) => IntegerReader<sbyte>(row, column, value => value),
            Type t when t == typeof(byte) => IntegerReader<byte>(row, column, value => value),
            Type t when t == typeof(ushort) => IntegerReader<ushort>(row, column, value => value),
            Type t when t == typeof(uint) => IntegerReader<uint>(row, column, value => value),
            _ => IntegerReader<ulong>(row, column, value => value),
        },
    };

    private static Func<object> TextReader(ValueGetter<ReadOnlyMemory<char>> getter)
    {
        ReadOnlyMemory<char> text = default;
        return () =>
        {
            getter(ref text);
            return text.ToString();
        };
    }

    private static Func<object> TextsReader(ValueGetter<VBuffer<ReadOnlyMemory<char>>> getter)
    {
        VBuffer<ReadOnlyMemory<char>> texts = default;
        return () =>
        {
            getter(ref texts);
            return texts.DenseValues().Select(text => text.ToString()).ToArray();
        };
    }

    private static Func<object> IntegerReader<TValue>(DataViewRow row, DataViewSchema.Column column, Func<TValue, decimal> widen)
    {
        ValueGetter<TValue> getter = row.GetGetter<TValue>(column);
        TValue value = default!;
        return () =>
        {
            getter(ref value);
            return widen(value);
        };
    }
}

/// <summary>A column that a zero-shot task reads.</summary>
public sealed class ZeroShotColumn
{
    private const string Role = "question";

    private static readonly NumberDataViewType[] _integers =
    [
        NumberDataViewType.Int32, NumberDataViewType.Int64, NumberDataViewType.Int16, NumberDataViewType.SByte,
        NumberDataViewType.Byte, NumberDataViewType.UInt16, NumberDataViewType.UInt32, NumberDataViewType.UInt64,
    ];

    private readonly string _expected;
    private readonly bool _isVector;
    private readonly Func<DataViewType, bool> _isItem;

    private ZeroShotColumn(string name, string expected, bool isVector, Func<DataViewType, bool> isItem)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        Name = name;
        _expected = expected;
        _isVector = isVector;
        _isItem = isItem;
    }

    /// <summary>The column's name.</summary>
    public string Name { get; }

    /// <summary>Names a text column, which <see cref="ZeroShotRow.Text"/> reads.</summary>
    /// <param name="name">The column's name.</param>
    public static ZeroShotColumn Text(string name) => new(name, $"{TextDataViewType.Instance}", false, type => type is TextDataViewType);

    /// <summary>Names a column of text vectors of any length, which <see cref="ZeroShotRow.Texts"/> reads.</summary>
    /// <param name="name">The column's name.</param>
    public static ZeroShotColumn Texts(string name) =>
        new(name, $"Vector<{TextDataViewType.Instance}>", true, type => type is TextDataViewType);

    /// <summary>Names a column of integers of any width, which <see cref="ZeroShotRow.Integer"/> reads.</summary>
    /// <param name="name">The column's name.</param>
    public static ZeroShotColumn Integer(string name) => new(name, "an integer", false, _integers.Contains);

    /// <summary>Finds the column in a schema.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is missing or of another type.</exception>
    internal DataViewSchema.Column Find(DataViewSchema inputSchema)
    {
        DataViewSchema.Column column =
            inputSchema.GetColumnOrNull(Name) ?? throw SchemaErrors.Missing(nameof(inputSchema), Role, Name);
        bool fits = column.Type is VectorDataViewType vector ? _isVector && _isItem(vector.ItemType) : !_isVector && _isItem(column.Type);
        return fits ? column : throw SchemaErrors.Mismatch(nameof(inputSchema), Role, Name, _expected, column.Type.ToString()!);
    }

    /// <summary>Checks the column in the schema of an estimator's input.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is missing or of another type.</exception>
    internal void Check(SchemaShape inputSchema)
    {
        SchemaShape.Column column = inputSchema.Find(Name) ?? throw SchemaErrors.Missing(nameof(inputSchema), Role, Name);
        bool isVector = column.Kind != SchemaShape.Column.VectorKind.Scalar;
        if (column.IsKey || isVector != _isVector || !_isItem(column.ItemType))
            throw SchemaErrors.Mismatch(nameof(inputSchema), Role, Name, _expected, SchemaErrors.TypeName(column));
    }
}
