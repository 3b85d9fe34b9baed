namespace Microsoft.ML.Data;

internal static class Errors
{
    public static Exception SchemaMismatch(string parameter, string role, string column) =>
        new ArgumentOutOfRangeException(parameter, $"Could not find {role} column '{column}'");

    public static Exception SchemaMismatch(string parameter, string role, string column, string expected, string actual) =>
        new ArgumentOutOfRangeException(parameter, $"Schema mismatch for {role} column '{column}': expected {expected}, got {actual}");

    public static Exception WrongGetter(Type asked, DataViewType type) =>
        new InvalidOperationException($"Invalid TValue in GetGetter: '{asked}', expected type: '{type.RawType}'.");
}
