using System.Text.Json;

namespace Microsoft.ML.Reversible.Training;

/// <summary>Writes numbers as JSON, with null for those that are not finite.</summary>
internal static class JsonNumbers
{
    /// <summary>Writes a property; null for a number that is not finite.</summary>
    public static void WriteNumberOrNull(this Utf8JsonWriter json, string name, double value)
    {
        if (double.IsFinite(value)) json.WriteNumber(name, value);
        else json.WriteNull(name);
    }

    /// <summary>Writes a property that is an array of such numbers.</summary>
    public static void WriteNumbersOrNull(this Utf8JsonWriter json, string name, IEnumerable<double> values)
    {
        json.WriteStartArray(name);
        foreach (double value in values)
        {
            if (double.IsFinite(value)) json.WriteNumberValue(value);
            else json.WriteNullValue();
        }
        json.WriteEndArray();
    }
}
