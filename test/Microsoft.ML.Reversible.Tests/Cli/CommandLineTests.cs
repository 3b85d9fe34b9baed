using Microsoft.ML.Reversible.Cli;

namespace Microsoft.ML.Reversible.Tests.Cli;

[TestClass]
public sealed class CommandLineTests
{
    [TestMethod]
    public void WithoutAVerbTheVerbsAreNamed()
    {
        CliRun.Of().AssertRefused(
            "A verb is missing; the verbs are train, retrofit, generate, score, evaluate, bench, stability, gradcheck.");
        CliRun.Of("trian").AssertRefused("There is no verb 'trian'");
    }

    [TestMethod]
    [DataRow("--help")]
    [DataRow("-h")]
    public void TheHelpNamesVerbsAndExitCodes(string option)
    {
        CliRun run = CliRun.Of(option);
        Assert.AreEqual((0, ""), (run.Code, run.Error));
        foreach (string name in new[] { "train", "retrofit", "generate", "score", "evaluate", "bench", "stability", "gradcheck" })
            StringAssert.Contains(run.Out, $"\n  {name} ");
        StringAssert.Contains(run.Out, "Exit codes: 0 done, 1 the input or an option is wrong, 2 failed or cancelled.");
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
            new IOException(), new OverflowException(), new OperationCanceledException(), new ObjectDisposedException("model"),
            new OutOfMemoryException(),
        ];
        Assert.IsTrue(user.All(e => ExitCode.Of(e) == 1));
        Assert.IsTrue(failed.All(e => ExitCode.Of(e) == 2));
    }

    [TestMethod]
    public void AnExceptionIsShownInOneLineInTheWordsOfTheCommandLine()
    {
        Assert.AreEqual(
            "--layer-count must be at least 1. Actual value was 0.",
            ExitCode.Describe(new ArgumentOutOfRangeException("LayerCount", 0, "LayerCount must be at least 1.")));
        Assert.AreEqual("OutOfMemoryException: a b", ExitCode.Describe(new OutOfMemoryException("a\r\nb")));
    }
}
