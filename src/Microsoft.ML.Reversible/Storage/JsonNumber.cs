using System.Text.Json;

namespace Microsoft.ML.Reversible.Storage;

/// <summary>Reads numbers of JSON.</summary>
internal static class JsonNumber
{
    /// <summary>Gets a whole number, which some programs write as 1.0.</summary>
    public static bool TryGetWhole(this JsonElement element, out int value)
    {
        value = 0;
        if (element.ValueKind != JsonValueKind.Number) return false;
        if (element.TryGetInt32(out value)) return true;
        if (!element.TryGetDouble(out double number) || number != Math.Truncate(number) || Math.Abs(number) > int.MaxValue) return false;
        value = (int)number;
        return true;
    }
}
