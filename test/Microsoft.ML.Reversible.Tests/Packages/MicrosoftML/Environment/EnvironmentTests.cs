using Microsoft.ML.Runtime;

namespace Microsoft.ML.Reversible.Tests.Packages.MicrosoftML.Environment;

[TestClass]
public class EnvironmentTests
{
    [TestMethod]
    public void MessagesOfAChannelReachTheLogWithTheirSource()
    {
        var ml = new MLContext(seed: 1);
        var seen = new List<LoggingEventArgs>();
        ml.Log += (_, e) => seen.Add(e);
        var host = ((IHostEnvironment)ml).Register("Trainer");

        using (var channel = host.Start("Training"))
        {
            channel.Info(MessageSensitivity.None, "trained on {0} rows", 3);
            channel.Warning(MessageSensitivity.None, "a {0} is no placeholder without arguments");
        }

        var info = seen.Single(e => e.Kind == ChannelMessageKind.Info);
        Assert.AreEqual("Trainer; Training", info.Source);
        Assert.AreEqual("trained on 3 rows", info.RawMessage);
        Assert.AreEqual("[Source=Trainer; Training, Kind=Info] trained on 3 rows", info.Message);
        Assert.AreEqual("a {0} is no placeholder without arguments", seen.Single(e => e.Kind == ChannelMessageKind.Warning).RawMessage);
        StringAssert.StartsWith(seen[0].RawMessage, "Channel started");
        StringAssert.StartsWith(seen[^1].RawMessage, "Channel finished");
        Assert.AreEqual(ChannelMessageKind.Trace, seen[^1].Kind);
    }

    [TestMethod]
    public void ASeededContextRepeatsForTheSameOrderOfHosts()
    {
        CollectionAssert.AreEqual(Draw(new MLContext(seed: 3)), Draw(new MLContext(seed: 3)));
        CollectionAssert.AreNotEqual(Draw(new MLContext(seed: 3)), Draw(new MLContext(seed: 4)));
    }

    [TestMethod]
    public void AHostWithItsOwnSeedDoesNotDependOnTheOthers()
    {
        IHostEnvironment first = new MLContext(seed: 3);
        IHostEnvironment second = new MLContext(seed: 4);
        second.Register("Other");

        Assert.AreEqual(first.Register("Trainer", seed: 9).Rand.Next(), second.Register("Trainer", seed: 9).Rand.Next());
    }

    [TestMethod]
    public void AnExceptionGoesThroughItsHostUnchanged()
    {
        var host = ((IHostEnvironment)new MLContext()).Register("Trainer");
        var error = new InvalidOperationException("no");

        Assert.AreSame(error, host.Process(error));
    }

    [TestMethod]
    public void ProgressMayBeReportedThoughNobodyReadsIt()
    {
        IHostEnvironment env = new MLContext();
        using var progress = env.StartProgressChannel("Training");

        progress.SetHeader(new ProgressHeader(["Loss"], ["epochs"]), entry => entry.SetProgress(0, 1, 2));
        progress.Checkpoint(0.5, 1);
    }

    [TestMethod]
    public void OptionsAreKeptByName()
    {
        var ml = new MLContext();
        ml.SetOption("Key", 3);

        Assert.IsTrue(ml.TryGetOption("Key", out int value));
        Assert.AreEqual(3, value);
        Assert.IsFalse(ml.TryGetOption("Absent", out int _));
    }

    private static int[] Draw(IHostEnvironment env) =>
        [env.Register("First").Rand.Next(), env.Register("Second").Rand.Next(), env.Register("Second").Rand.Next()];
}
