using System.Diagnostics;

namespace Microsoft.ML.Reversible.Cli.Benchmark;

/// <summary>
/// Measures a configuration in a child process. Only its own memory is then measured. If memory runs out, some calls of TorchSharp end the
/// process; this does not affect other measurements.
/// </summary>
internal static class MeasuringProcess
{
    private const int ErrorLinesKept = 20;

    /// <summary>Measures a configuration with this program.</summary>
    public static BenchRow Run(BenchConfiguration configuration, CancellationToken cancellationToken)
    {
        (string program, string[] first) = ThisProgram();
        return Run(new ProcessStartInfo(program, [.. first, .. configuration.Arguments]), configuration.Row(), cancellationToken);
    }

    /// <summary>Runs a program that prints a row, and turns any other outcome into a row.</summary>
    /// <param name="start">The program and its arguments.</param>
    /// <param name="row">The row of the configuration, without measurements.</param>
    /// <param name="cancellationToken">Cancels the process.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static BenchRow Run(ProcessStartInfo start, BenchRow row, CancellationToken cancellationToken)
    {
        (start.RedirectStandardOutput, start.RedirectStandardError) = (true, true);
        var errors = new Queue<string>();
        using Process process = Process.Start(start)!;
        using (cancellationToken.Register(() => Kill(process)))
        {
            process.ErrorDataReceived += (_, e) => Keep(errors, e.Data);
            process.BeginErrorReadLine();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            cancellationToken.ThrowIfCancellationRequested();
            string? last = output.Split('\n', StringSplitOptions.RemoveEmptyEntries).LastOrDefault();
            if (last is not null && BenchRow.FromJson(last) is { } measured) return measured;
        }
        return MemoryShortage.Ended(process.ExitCode, string.Join('\n', errors))
            ? row with { OutOfMemory = true }
            : row with { Error = $"The measuring process ended with code {process.ExitCode}. {errors.LastOrDefault()}".TrimEnd() };
    }

    private static void Keep(Queue<string> lines, string? line)
    {
        if (string.IsNullOrWhiteSpace(line)) return;
        lines.Enqueue(line);
        if (lines.Count > ErrorLinesKept) lines.Dequeue();
    }

    private static void Kill(Process process)
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // The process has already ended.
        }
    }

    /// <summary>Returns the command that starts this program: the current process may be the dotnet host or a test.</summary>
    private static (string Program, string[] First) ThisProgram()
    {
        string host = Environment.ProcessPath ?? "dotnet", name = Path.GetFileNameWithoutExtension(host);
        return name == CommandLine.Name ? (host, []) : (name == "dotnet" ? host : "dotnet", [typeof(MeasuringProcess).Assembly.Location]);
    }
}
