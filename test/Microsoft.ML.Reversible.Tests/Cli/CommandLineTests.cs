using Microsoft.ML.Reversible.Cli;
using Microsoft.ML.Reversible.Tests.Storage;

namespace Microsoft.ML.Reversible.Tests.Cli;

[TestClass]
public sealed class CommandLineTests
{
    [TestMethod]
    public void WithoutAVerbTheVerbsAreNamed() => CliRun.Of().AssertRefused(
        "A verb is missing; the verbs are train, retrofit, finetune, align, generate, chat, score, evaluate, export, bench, stability, "
        + "gradcheck.");

    [TestMethod]
    [DataRow("--help")]
    [DataRow("-h")]
    public void TheHelpNamesVerbsAndExitCodes(string option)
    {
        CliRun run = CliRun.Of(option);
        Assert.AreEqual((0, ""), (run.Code, run.Error));
        string[] names =
        [
            "train", "retrofit", "finetune", "align", "generate", "chat", "score", "evaluate", "export", "bench", "stability", "gradcheck",
        ];
        foreach (string name in names)
            StringAssert.Contains(run.Out, $"\n  {name} ");
        StringAssert.Contains(run.Out, "Exit codes: 0 done, 1 the input or an option is wrong, 2 failed, 130 interrupted.");
    }

    [TestMethod]
    public void TheVersionIsANumber() => Assert.IsTrue(Version.TryParse(CliRun.Of("--version").Out.Trim(), out _));

    [TestMethod]
    public void ExceptionsEndWithTheCodeOfWhoCanMendThem()
    {
        Exception[] user =
        [
            new ArgumentException(), new InvalidOperationException(), new InvalidDataException(), new FileNotFoundException(),
            new UnauthorizedAccessException(), new NotSupportedException(),
        ];
        Exception[] failed =
        [
            new IOException(), new OverflowException(), new ObjectDisposedException("model"), new OutOfMemoryException(),
        ];
        Assert.IsTrue(user.All(e => ExitCode.Of(e) == 1));
        Assert.IsTrue(failed.All(e => ExitCode.Of(e) == 2));
        Assert.AreEqual(130, ExitCode.Of(new TaskCanceledException()));
    }

    [TestMethod]
    public void AnExceptionIsShownInOneLineInTheWordsOfTheCommandLine()
    {
        Assert.AreEqual(
            "--layer-count must be at least 1. Actual value was 0.",
            ExitCode.Describe(new ArgumentOutOfRangeException("LayerCount", 0, "LayerCount must be at least 1.")));
        Assert.AreEqual("OutOfMemoryException: a b", ExitCode.Describe(new OutOfMemoryException("a\r\nb")));
    }

    [TestMethod]
    [DataRow("'m/config.json' is wrong: LayerCount is 0. (Parameter 'LayerCount')", "'m/config.json' is wrong: LayerCount is 0.")]
    [DataRow("'step-8' is damaged: Width is 0. Set DamagedCheckpoint to UsePrevious.",
        "'step-8' is damaged: Width is 0. Set --damaged-checkpoint to use-previous.")]
    public void AnErrorInAFileKeepsTheNamesOfTheFile(string message, string shown) =>
        Assert.AreEqual(shown, ExitCode.Describe(new InvalidDataException(message)));

    [TestMethod]
    public void ATerminalWithoutColoursGetsLinesAndNoEscapeSequences()
    {
        using var folder = new ScratchFolder();
        using StringWriter output = new(), error = new();
        var terminal = new Terminal(TextReader.Null, output, error, OutIsScreen: true, ErrorIsScreen: true, IsPlain: true);
        string[] verb = ["train", "--data", CliRun.WriteText(folder.File("text.txt")), "--out", folder.File("model"), .. CliRun.Quick];
        Assert.AreEqual(0, Reversible.Cli.CommandLine.Run(verb, terminal, default), error.ToString());
        StringAssert.Contains(error.ToString(), "step 12/12, loss ");
        Assert.DoesNotContain('\u001b', output.ToString() + error);
    }
}
