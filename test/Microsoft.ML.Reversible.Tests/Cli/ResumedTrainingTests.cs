using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using Microsoft.ML.Reversible.Cli;
using Microsoft.ML.Reversible.Tests.Storage;

namespace Microsoft.ML.Reversible.Tests.Cli;

/// <summary>Tests runs that are cancelled and resumed.</summary>
[TestClass]
public sealed class ResumedTrainingTests
{
    private readonly ScratchFolder _folder = new();

    [TestCleanup]
    public void Delete() => _folder.Dispose();

    private string[] Verb(string model, params string[] options) =>
    [
        "train", "--data", CliRun.WriteText(_folder.File("text.txt")), "--out", _folder.File(model), .. CliRun.Quick, "--json",
        "--report-interval", "1", .. options,
    ];

    private byte[] Weights(string model) => File.ReadAllBytes(Path.Combine(_folder.File(model), "model.safetensors"));

    [TestMethod]
    public void ACancelledRunLeavesACheckpointFromWhichTheSameCommandGoesOnToTheBit()
    {
        Assert.AreEqual(0, CliRun.Of(Verb("whole")).Code);
        using var cancel = new CancellationTokenSource();
        using var output = new CancellingWriter(cancel, "\"step\":5,");
        using var error = new StringWriter();
        string[] verb = Verb("model", "--checkpoints", _folder.File("run"));
        Assert.AreEqual(130, Reversible.Cli.CommandLine.Run(verb, new Terminal(TextReader.Null, output, error), cancel.Token));
        StringAssert.Contains(
            error.ToString(), $"Stopped; '{_folder.File("run")}' has the checkpoint of step 5. Continue with: reversible train --data ");
        Assert.IsFalse(Directory.Exists(_folder.File("model")));

        CliRun again = CliRun.Of(verb);
        Assert.AreEqual(0, again.Code, again.Error);
        Assert.AreEqual(6, again.Json[0].GetProperty("step").GetInt32());
        StringAssert.Contains(again.Error, "Continued from the checkpoint of step 5");
        CollectionAssert.AreEqual(Weights("whole"), Weights("model"));
    }

    [TestMethod]
    public void ACancelledRunWithoutACheckpointFolderSaysWhatIsLostAndHowToKeepIt()
    {
        using var cancel = new CancellationTokenSource();
        using var output = new CancellingWriter(cancel, "\"step\":5,");
        using var error = new StringWriter();
        Assert.AreEqual(130, Reversible.Cli.CommandLine.Run(Verb("model"), new Terminal(TextReader.Null, output, error), cancel.Token));
        string last = error.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1];
        StringAssert.StartsWith(last, "reversible: The run was cancelled after step 5. Nothing was saved");
        StringAssert.Contains(last, "--checkpoint-folder");
        Assert.IsFalse(Directory.Exists(_folder.File("model")));
    }

    [TestMethod]
    public void TheCommandThatContinuesIsQuotedAndDoesNotForbidIt()
    {
        var root = new RootCommand { new Option<string>("--data"), new Option<string>("--resume"), new Option<int>("--max-steps") };
        string command = CommandText.Continuing(root.Parse(["--data", "my book.txt", "--resume", "never", "--max-steps=5"]));
        string quote = OperatingSystem.IsWindows() ? "\"" : "'";
        Assert.AreEqual($"reversible --data {quote}my book.txt{quote} --max-steps 5", command);
    }

    /// <summary>A process that a background process of a shell starts ignores SIGINT, so env resets it.</summary>
    [TestMethod]
    [DataRow("TERM")]
    [DataRow("INT")]
    [Timeout(300_000)]
    public void ASignalEndsTheProcessWithItsCodeAndACheckpoint(string signal)
    {
        if (OperatingSystem.IsWindows()) Assert.Inconclusive("No signal can be sent to another process here.");
        string[] verb = Verb("model", "--checkpoints", _folder.File("run"));
        verb[Array.IndexOf(verb, "--max-steps") + 1] = "1000000";
        string[] command = ["dotnet", typeof(Reversible.Cli.CommandLine).Assembly.Location, .. verb];
        if (OperatingSystem.IsLinux()) command = ["env", "--default-signal=INT", .. command];
        var start = new ProcessStartInfo(command[0], command[1..])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        try
        {
            string? line = process.StandardOutput.ReadLine();
            Assert.IsNotNull(line, "The process has ended.");
            Assert.AreEqual(1, JsonDocument.Parse(line).RootElement.GetProperty("step").GetInt32());
            Process.Start("sh", ["-c", $"kill -{signal} {process.Id}"])!.WaitForExit();
            process.StandardOutput.ReadToEnd();
            process.WaitForExit();
        }
        finally
        {
            if (!process.HasExited) process.Kill();
        }
        Assert.AreEqual(130, process.ExitCode, error.Result);
        StringAssert.Contains(error.Result, "Ctrl+C again ends at once");
        StringAssert.Contains(error.Result, "Continue with: reversible train ");
        Assert.IsNotEmpty(Directory.GetFileSystemEntries(_folder.File("run")));
    }

    [TestMethod]
    public void ResumeAloneInsistsOnACheckpoint()
    {
        string run = _folder.File("run");
        CliRun.Of(Verb("model", "--checkpoints", run, "--resume")).AssertRefused(
            "has no checkpoint. Set --resume to if-present to start a new run.");
        Assert.AreEqual(0, CliRun.Of(Verb("model", "--checkpoints", run)).Code);
        CliRun.Of(Verb("model", "--checkpoints", run, "--resume", "never")).AssertRefused("checkpoint");
        CliRun.Of(Verb("model", "--resume")).AssertRefused("--checkpoint-folder");
    }

    [TestMethod]
    public void OtherOptionsOfTheTrainerAreTaken()
    {
        string metrics = _folder.File("metrics.jsonl");
        CliRun run = CliRun.Of(Verb("model", "--family", "llama", "--key-value-head-count", "1", "--tied-head", "false",
            "--schedule", "linear", "--metrics-path", metrics, "--document-boundaries", "respect"));
        Assert.AreEqual(0, run.Code, run.Error);
        CollectionAssert.AreEqual(run.Out.Split('\n')[..12], File.ReadAllLines(metrics));
        using ReversibleLmTransformer model = new MLContext().Reversible().LoadPretrained(_folder.File("model"));
        var shape = (LlamaConfiguration)model.Configuration;
        Assert.AreEqual((1, false), (shape.KeyValueHeadCount, shape.TiedHead));

        CliRun more = CliRun.Of(
            "train", "--data", _folder.File("text.txt"), "--out", _folder.File("tuned"), "--model", _folder.File("model"),
            "--max-steps", "2",
            "--context-length", "16", "--batch-size", "2");
        Assert.AreEqual(0, more.Code, more.Error);
        CliRun reused = CliRun.Of(
            "train", "--data", _folder.File("text.txt"), "--out", _folder.File("other"), "--tokenizer", _folder.File("model"),
            "--max-steps", "2",
            "--layer-count", "1", "--width", "12", "--context-length", "16", "--batch-size", "2");
        Assert.AreEqual(0, reused.Code, reused.Error);
    }
}
