using System.Diagnostics;
using System.Text.Json;

namespace Microsoft.ML.Reversible.Benchmarks;

/// <summary>Runs one of this program's commands in a child process and reads the JSON that it prints.</summary>
internal static class ChildProcess
{
    /// <exception cref="InvalidOperationException">The process failed.</exception>
    public static T Run<T>(params string[] arguments)
    {
        using Process child = Start(arguments);
        string output = child.StandardOutput.ReadToEnd();
        child.WaitForExit();
        if (child.ExitCode != 0)
            throw new InvalidOperationException($"'{string.Join(' ', arguments)}' ended with code {child.ExitCode}. {output}");
        return JsonSerializer.Deserialize<T>(output)!;
    }

    /// <summary>Starts a command; the caller reads its standard output.</summary>
    public static Process Start(params string[] arguments)
    {
        string host = Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path : "dotnet";
        return Process.Start(
            new ProcessStartInfo(host, [typeof(ChildProcess).Assembly.Location, .. arguments]) { RedirectStandardOutput = true })!;
    }
}
