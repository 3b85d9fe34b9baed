using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Views;

namespace Microsoft.ML.Reversible;

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

    /// <summary>A column of text; <see cref="ZeroShotRow.Text"/> reads it.</summary>
    /// <param name="name">The column's name.</param>
    public static ZeroShotColumn Text(string name) => new(name, $"{TextDataViewType.Instance}", false, type => type is TextDataViewType);

    /// <summary>A column of vectors of text of any length; <see cref="ZeroShotRow.Texts"/> reads it.</summary>
    /// <param name="name">The column's name.</param>
    public static ZeroShotColumn Texts(string name) =>
        new(name, $"Vector<{TextDataViewType.Instance}>", true, type => type is TextDataViewType);

    /// <summary>A column of integers of any width; <see cref="ZeroShotRow.Integer"/> reads it.</summary>
    /// <param name="name">The column's name.</param>
    public static ZeroShotColumn Integer(string name) => new(name, "an integer", false, _integers.Contains);

    /// <summary>Finds the column in data.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is missing or of another type.</exception>
    internal DataViewSchema.Column Find(DataViewSchema inputSchema)
    {
        DataViewSchema.Column column =
            inputSchema.GetColumnOrNull(Name) ?? throw SchemaErrors.Missing(nameof(inputSchema), Role, Name);
        bool fits = column.Type is VectorDataViewType vector ? _isVector && _isItem(vector.ItemType) : !_isVector && _isItem(column.Type);
        return fits ? column : throw SchemaErrors.Mismatch(nameof(inputSchema), Role, Name, _expected, column.Type.ToString()!);
    }

    /// <summary>Checks the column in an estimator's input.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is missing or of another type.</exception>
    internal void Check(SchemaShape inputSchema)
    {
        SchemaShape.Column column = inputSchema.Find(Name) ?? throw SchemaErrors.Missing(nameof(inputSchema), Role, Name);
        bool isVector = column.Kind != SchemaShape.Column.VectorKind.Scalar;
        if (column.IsKey || isVector != _isVector || !_isItem(column.ItemType))
            throw SchemaErrors.Mismatch(nameof(inputSchema), Role, Name, _expected, SchemaErrors.TypeName(column));
    }
}
