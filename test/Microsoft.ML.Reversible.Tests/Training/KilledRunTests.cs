using Microsoft.ML.Reversible.Benchmarks;
using Microsoft.ML.Reversible.Tests.Storage;

namespace Microsoft.ML.Reversible.Tests.Training;

[TestClass]
public sealed class KilledRunTests
{
    /// <summary>
    /// Kills 20 times, or 100 with REVERSIBLE_FULL=1. A run that ends before the last kill starts again in another folder.
    /// </summary>
    [TestMethod]
    public void ARunKilledAtRandomMomentsEndsAsTheUninterruptedOneToTheBit()
    {
        int kills = Environment.GetEnvironmentVariable("REVERSIBLE_FULL") == "1" ? 100 : 20;
        var random = new Random(1);
        using var wholeFolder = new ScratchFolder();
        using ReversibleLmTransformer whole = KilledRun.Train(wholeFolder.FullName);
        int resumedRuns = 0;
        for (int killed = 0; killed < kills;)
        {
            using var scratch = new ScratchFolder();
            int now = KilledRun.KillAgainAndAgain(scratch.FullName, kills - killed, random);
            Assert.IsGreaterThan(0, now, "the run came to its end before it could be killed");
            killed += now;

            using ReversibleLmTransformer resumed = KilledRun.Train(scratch.FullName);
            if (resumed.Metrics!.ResumedFrom is not null) resumedRuns++;
            Assert.IsTrue(whole.Network.parameters().Zip(resumed.Network.parameters(), TestModels.SameBits).All(same => same));
            CollectionAssert.AreEqual(
                whole.Metrics!.History.Select(p => (p.Step, p.Loss, p.GradNorm, p.ValidationLoss)).ToArray(),
                resumed.Metrics.History.Select(p => (p.Step, p.Loss, p.GradNorm, p.ValidationLoss)).ToArray());
            CollectionAssert.AreEqual(Steps(wholeFolder), Steps(scratch));
        }
        Assert.IsGreaterThan(0, resumedRuns);
    }

    private static string[] Steps(ScratchFolder folder) =>
        [.. File.ReadAllLines(folder.File("metrics.jsonl")).Select(line => line.Split(',')[0])];
}
