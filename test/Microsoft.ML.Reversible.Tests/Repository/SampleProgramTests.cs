using System.Diagnostics;

namespace Microsoft.ML.Reversible.Tests.Repository;

/// <summary>Tests the output of a sample as another program reads it.</summary>
[TestClass]
public sealed class SampleProgramTests
{
    [TestMethod]
    [Timeout(300_000)]
    public void TheQuickstartWritesPlainLinesIntoAPipe()
    {
        string configuration = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;
        string program = Document.PathOf($"samples/Quickstart/bin/{configuration}/net10.0/Quickstart.dll");
        if (!File.Exists(program)) Assert.Inconclusive("The sample is not built.");
        var start = new ProcessStartInfo("dotnet", [program, "--max-steps", "2"]) { RedirectStandardOutput = true };
        // With these, colours are used in a pipe too, unless a program asks whether it writes to one.
        (start.Environment["TERM"], start.Environment["GITHUB_ACTIONS"]) = ("xterm-256color", "true");
        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.AreEqual(0, process.ExitCode, output);
        StringAssert.Contains(output, "training: step 1, loss ");
        Assert.DoesNotContain('\u001b', output);
    }
}
