using TestAssert = Microsoft.VisualStudio.TestTools.UnitTesting.Assert;

namespace Microsoft.ML.Reversible.Tests.Packaging;

/// <summary>How a program ends where the native libraries do not load.</summary>
internal static class OneMessage
{
    /// <summary>
    /// The program ended with a message of the library and the calls that led to it, none of them in TorchSharp, and wrote nothing else.
    /// </summary>
    /// <returns>The message.</returns>
    public static string Assert(ProcessResult result)
    {
        const string start = "Unhandled exception. System.DllNotFoundException: ";
        TestAssert.AreNotEqual(0, result.ExitCode);
        TestAssert.AreEqual("", result.Output);
        string[] lines = result.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        string[] told = [.. lines.Where(line => !line.StartsWith("at ", StringComparison.Ordinal))];
        TestAssert.IsGreaterThan(0, told.Length, result.Errors);
        StringAssert.StartsWith(told[0], start);
        TestAssert.HasCount(1, told, result.Errors);
        foreach (string call in lines.Except(told)) TestAssert.IsFalse(call.StartsWith("at TorchSharp.", StringComparison.Ordinal), call);
        return told[0][start.Length..];
    }
}
