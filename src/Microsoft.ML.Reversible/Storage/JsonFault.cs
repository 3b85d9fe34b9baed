using System.Text.Json;

namespace Microsoft.ML.Reversible.Storage;

/// <summary>Describes syntax errors of JSON files.</summary>
internal static class JsonFault
{
    /// <summary>Returns the line, counted from 1, and the reason, without .NET's advice to programs.</summary>
    public static string Of(Exception error)
    {
        if (error is not JsonException { LineNumber: { } line }) return error.Message;
        string reason = error.Message;
        foreach (string end in (string[])[" Path: ", " LineNumber: "])
            if (reason.IndexOf(end, StringComparison.Ordinal) is >= 0 and var at) reason = reason[..at];
        return $"line {line + 1}: {reason.Replace(" Change the reader options.", "")}";
    }
}
