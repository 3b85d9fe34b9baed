namespace Microsoft.ML.Data;

internal static class Getters
{
    /// <summary>The getter of a column whose type is known at run time only.</summary>
    public static Delegate Of(DataViewRow row, DataViewSchema.Column column) =>
        (Delegate)TypeMap.Call(typeof(Getters), nameof(Typed), [column.Type.RawType], row, column);

    public static ValueGetter<TValue> Cast<TValue>(Delegate getter, DataViewSchema.Column column) =>
        getter as ValueGetter<TValue> ?? throw Errors.WrongGetter(typeof(TValue), column.Type);

    /// <summary>Reads a column as plain objects.</summary>
    public static Func<object> Boxed(DataViewRow row, DataViewSchema.Column column) =>
        (Func<object>)TypeMap.Call(typeof(Getters), nameof(BoxedTyped), [column.Type.RawType], row, column);

    public static void CheckActive(DataViewRow row, DataViewSchema.Column column)
    {
        if (!row.IsColumnActive(column))
            throw new ArgumentOutOfRangeException(nameof(column), $"Requested column '{column.Name}' is not active");
    }

    public static bool[] ActiveMask(DataViewSchema schema, IEnumerable<DataViewSchema.Column> columns)
    {
        var mask = new bool[schema.Count];
        foreach (var column in columns)
            mask[column.Index] = true;
        return mask;
    }

    private static Delegate Typed<TValue>(DataViewRow row, DataViewSchema.Column column) => row.GetGetter<TValue>(column);

    private static Func<object> BoxedTyped<TValue>(DataViewRow row, DataViewSchema.Column column)
    {
        var getter = row.GetGetter<TValue>(column);
        return () =>
        {
            TValue value = default;
            getter(ref value);
            return value;
        };
    }
}
