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
        Assert.AreEqual(2, Reversible.Cli.CommandLine.Run(verb, new Terminal(TextReader.Null, output, error), cancel.Token));
        StringAssert.Contains(error.ToString(), $"The same command continues from the checkpoint in '{_folder.File("run")}'.");
        Assert.IsFalse(Directory.Exists(_folder.File("model")));

        CliRun again = CliRun.Of(verb);
        Assert.AreEqual(0, again.Code, again.Error);
        Assert.AreEqual(6, again.Json[0].GetProperty("step").GetInt32());
        StringAssert.Contains(again.Error, "Continued from the checkpoint of step 5");
        CollectionAssert.AreEqual(Weights("whole"), Weights("model"));
    }

    /// <summary>Sends SIGTERM, which is treated like Ctrl+C, because background processes of a shell ignore SIGINT.</summary>
    [TestMethod]
    [Timeout(300_000)]
    public void ASignalEndsTheProcessWithCodeTwoAndACheckpoint()
    {
        if (OperatingSystem.IsWindows()) Assert.Inconclusive("No signal can be sent to another process here.");
        string[] verb = Verb("model", "--checkpoints", _folder.File("run"));
        verb[Array.IndexOf(verb, "--max-steps") + 1] = "1000000";
        var start = new ProcessStartInfo("dotnet", [typeof(Reversible.Cli.CommandLine).Assembly.Location, .. verb])
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
            Process.Start("sh", ["-c", $"kill -TERM {process.Id}"])!.WaitForExit();
            process.StandardOutput.ReadToEnd();
            process.WaitForExit();
        }
        finally
        {
            if (!process.HasExited) process.Kill();
        }
        Assert.AreEqual(2, process.ExitCode, error.Result);
        StringAssert.Contains(error.Result, "The same command continues");
        Assert.IsNotEmpty(Directory.GetFileSystemEntries(_folder.File("run")));
    }

    [TestMethod]
    public void ResumeAloneInsistsOnACheckpoint()
    {
        string run = _folder.File("run");
        CliRun.Of(Verb("model", "--checkpoints", run, "--resume")).AssertRefused("checkpoint");
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
