using System.Globalization;
using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible;

/// <summary>The row that a zero-shot task makes an item of; it gives the values of the columns that the task has named.</summary>
public sealed class ZeroShotRow
{
    private readonly DataViewRow _row;
    private readonly Dictionary<string, Func<object>> _values = [];

    /// <param name="row">The row or cursor, in which the columns are active.</param>
    /// <param name="columns">The columns that can be read.</param>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type.</exception>
    internal ZeroShotRow(DataViewRow row, IEnumerable<ZeroShotColumn> columns)
    {
        _row = row;
        foreach (ZeroShotColumn column in columns) _values[column.Name] = Reader(row, column.Find(row.Schema));
    }

    /// <summary>The row's number, counted from 0.</summary>
    public long Number => _row.Position;

    /// <summary>The value of a column of text.</summary>
    /// <param name="name">The column's name.</param>
    /// <exception cref="ArgumentException">The task has named no such column of text.</exception>
    public string Text(string name) => Value<string>(name, nameof(ZeroShotColumn.Text));

    /// <summary>The values of a column of vectors of text.</summary>
    /// <param name="name">The column's name.</param>
    /// <exception cref="ArgumentException">The task has named no such column of vectors of text.</exception>
    public IReadOnlyList<string> Texts(string name) => Value<string[]>(name, nameof(ZeroShotColumn.Texts));

    /// <summary>The value of a column of integers.</summary>
    /// <param name="name">The column's name.</param>
    /// <exception cref="ArgumentException">The task has named no such column of integers.</exception>
    /// <exception cref="InvalidDataException">The value is beyond an <see cref="int"/>.</exception>
    public int Integer(string name)
    {
        decimal value = Value<decimal>(name, nameof(ZeroShotColumn.Integer));
        return value is >= int.MinValue and <= int.MaxValue
            ? (int)value
            : throw new InvalidDataException(string.Create(
                CultureInfo.InvariantCulture, $"Row {Number} of column '{name}' holds {value}, which is beyond an Int32."));
    }

    private TValue Value<TValue>(string name, string kind)
    {
        if (!_values.TryGetValue(name, out Func<object>? read))
            throw new ArgumentException(
                $"The task does not name column '{name}' among those it reads: add {nameof(ZeroShotColumn)}.{kind}(\"{name}\").",
                nameof(name));
        return read() is TValue value
            ? value
            : throw new ArgumentException($"The task has not named column '{name}' as {nameof(ZeroShotColumn)}.{kind}.", nameof(name));
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
