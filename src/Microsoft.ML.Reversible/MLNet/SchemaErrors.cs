using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.MLNet;

/// <summary>Schema checks with the exception types and messages of ML.NET's own checks, which are internal.</summary>
internal static class SchemaErrors
{
    private const string TextRole = "text";

    /// <summary>Returns the exception that ML.NET throws for a missing column.</summary>
    public static ArgumentOutOfRangeException Missing(string parameter, string role, string name)
        => new(parameter, $"Could not find {role} column '{name}'");

    /// <summary>Returns the exception that ML.NET throws for a column of the wrong type.</summary>
    public static ArgumentOutOfRangeException Mismatch(string parameter, string role, string name, string expected, string got)
        => new(parameter, $"Schema mismatch for {role} column '{name}': expected {expected}, got {got}");

    /// <summary>Returns the exception for a getter of a column that the cursor was not opened for.</summary>
    public static InvalidOperationException NotActive(DataViewSchema.Column column)
        => new($"Column '{column.Name}' is not active: name it among the columns needed.");

    /// <summary>Returns the exception for a getter of another value type than the column's.</summary>
    public static InvalidOperationException OtherValue(DataViewSchema.Column column, Type value)
        => new($"Column '{column.Name}' of type {column.Type} holds {column.Type.RawType}, not {value}.");

    /// <summary>Returns the scalar text column of this name in an estimator's input.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is none, or it has another type.</exception>
    public static SchemaShape.Column RequireText(SchemaShape inputSchema, string name, string role)
    {
        SchemaShape.Column column = inputSchema.Find(name) ?? throw Missing(nameof(inputSchema), role, name);
        bool isText = column.Kind == SchemaShape.Column.VectorKind.Scalar && column.ItemType is TextDataViewType && !column.IsKey;
        return isText ? column : throw Mismatch(nameof(inputSchema), role, name, Text, TypeName(column));
    }

    /// <summary>Returns the scalar text column of this name in data.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is none, or it has another type.</exception>
    public static DataViewSchema.Column RequireText(DataViewSchema inputSchema, string name, string role)
    {
        DataViewSchema.Column column = inputSchema.GetColumnOrNull(name) ?? throw Missing(nameof(inputSchema), role, name);
        return column.Type is TextDataViewType ? column : throw Mismatch(nameof(inputSchema), role, name, Text, column.Type.ToString()!);
    }

    /// <summary>Returns the column of text vectors of this name in an estimator's input.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is none, or it has another type.</exception>
    public static SchemaShape.Column RequireTexts(SchemaShape inputSchema, string name, string role)
    {
        SchemaShape.Column column = inputSchema.Find(name) ?? throw Missing(nameof(inputSchema), role, name);
        bool areTexts = column.Kind != SchemaShape.Column.VectorKind.Scalar && column.ItemType is TextDataViewType && !column.IsKey;
        return areTexts ? column : throw Mismatch(nameof(inputSchema), role, name, $"Vector<{Text}>", TypeName(column));
    }

    /// <summary>Returns the column of text vectors of this name in data.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is none, or it has another type.</exception>
    public static DataViewSchema.Column RequireTexts(DataViewSchema inputSchema, string name, string role)
    {
        DataViewSchema.Column column = inputSchema.GetColumnOrNull(name) ?? throw Missing(nameof(inputSchema), role, name);
        return column.Type is VectorDataViewType { ItemType: TextDataViewType }
            ? column
            : throw Mismatch(nameof(inputSchema), role, name, $"Vector<{Text}>", column.Type.ToString()!);
    }

    /// <summary>Returns the column of token ids of this name in an estimator's input: a vector of Int32 or UInt32.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is none, or it has another type.</exception>
    public static SchemaShape.Column RequireTokens(SchemaShape inputSchema, string name, string role)
    {
        SchemaShape.Column column = inputSchema.Find(name) ?? throw Missing(nameof(inputSchema), role, name);
        bool isVector = column.Kind != SchemaShape.Column.VectorKind.Scalar && !column.IsKey;
        return isVector && IsId(column.ItemType) ? column : throw Mismatch(nameof(inputSchema), role, name, Ids, TypeName(column));
    }

    /// <summary>Returns the column of token ids of this name in data: a vector of Int32 or UInt32.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is none, or it has another type.</exception>
    public static DataViewSchema.Column RequireTokens(DataViewSchema inputSchema, string name, string role)
    {
        DataViewSchema.Column column = inputSchema.GetColumnOrNull(name) ?? throw Missing(nameof(inputSchema), role, name);
        return column.Type is VectorDataViewType vector && IsId(vector.ItemType)
            ? column
            : throw Mismatch(nameof(inputSchema), role, name, Ids, column.Type.ToString()!);
    }

    /// <summary>Returns the column of text or token ids of this name in an estimator's input.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is none, or it has another type.</exception>
    public static SchemaShape.Column RequireTextOrTokens(SchemaShape inputSchema, string name)
    {
        SchemaShape.Column column = inputSchema.Find(name) ?? throw Missing(nameof(inputSchema), TextRole, name);
        bool isScalar = column.Kind == SchemaShape.Column.VectorKind.Scalar;
        return !column.IsKey && (isScalar ? column.ItemType is TextDataViewType : IsId(column.ItemType))
            ? column
            : throw Mismatch(nameof(inputSchema), TextRole, name, $"{Text}, {Ids}", TypeName(column));
    }

    /// <summary>Returns the column of text or token ids of this name in data.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is none, or it has another type.</exception>
    public static DataViewSchema.Column RequireTextOrTokens(DataViewSchema inputSchema, string name)
    {
        DataViewSchema.Column column = inputSchema.GetColumnOrNull(name) ?? throw Missing(nameof(inputSchema), TextRole, name);
        return column.Type is TextDataViewType || (column.Type is VectorDataViewType vector && IsId(vector.ItemType))
            ? column
            : throw Mismatch(nameof(inputSchema), TextRole, name, $"{Text}, {Ids}", column.Type.ToString()!);
    }

    private static string Ids => $"Vector<{NumberDataViewType.Int32}> or Vector<{NumberDataViewType.UInt32}>";

    private static bool IsId(DataViewType type) => type == NumberDataViewType.Int32 || type == NumberDataViewType.UInt32;

    private static string Text => TextDataViewType.Instance.ToString();

    /// <summary>Returns ML.NET's name for the type of an estimator's input column.</summary>
    internal static string TypeName(SchemaShape.Column column)
    {
        string item = column.IsKey ? $"Key<{column.ItemType}>" : column.ItemType.ToString()!;
        return column.Kind switch
        {
            SchemaShape.Column.VectorKind.Vector => $"Vector<{item}>",
            SchemaShape.Column.VectorKind.VariableVector => $"VarVector<{item}>",
            _ => item,
        };
    }
}
