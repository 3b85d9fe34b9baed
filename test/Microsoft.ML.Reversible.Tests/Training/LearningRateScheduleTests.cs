using Microsoft.ML.Reversible.Training;

namespace Microsoft.ML.Reversible.Tests.Training;

[TestClass]
public sealed class LearningRateScheduleTests
{
    private static readonly LearningRateSchedule Schedule = new(Peak: 1e-3, Final: 1e-4, WarmupSteps: 100, MaxSteps: 2000);

    [TestMethod]
    [DataRow(0, 1e-3 / 101)]
    [DataRow(50, 1e-3 * 51 / 101)]
    [DataRow(100, 1e-3)]
    [DataRow(1050, 5.5e-4)]
    [DataRow(2000, 1e-4)]
    [DataRow(5000, 1e-4)]
    public void WarmsUpThenFallsByHalfACosine(int step, double expected) => Assert.AreEqual(expected, Schedule.At(step), 1e-15);

    [TestMethod]
    public void NeverRisesAfterTheWarmup()
    {
        for (int step = 100; step < 2000; step++) Assert.IsLessThanOrEqualTo(Schedule.At(step), Schedule.At(step + 1));
    }

    [TestMethod]
    public void NoWarmupStartsAtThePeakAndOnlyWarmupNeverReachesIt()
    {
        Assert.AreEqual(1e-3, (Schedule with { WarmupSteps = 0 }).At(0));
        Assert.IsLessThan(1e-3, (Schedule with { WarmupSteps = 10, MaxSteps = 10 }).At(9));
    }

    [TestMethod]
    [DataRow(99, 1e-3 * 100 / 101)]
    [DataRow(100, 1e-3)]
    [DataRow(1999, 1e-3)]
    [DataRow(5000, 1e-3)]
    public void ConstantStaysAtThePeak(int step, double expected) =>
        Assert.AreEqual(expected, (Schedule with { Kind = LearningRateScheduleKind.Constant }).At(step), 1e-15);

    [TestMethod]
    [DataRow(0, 1e-3 / 101)]
    [DataRow(100, 1e-3)]
    [DataRow(1050, 5.5e-4)]
    [DataRow(1999, 1e-4 + 9e-4 / 1900)]
    [DataRow(2000, 1e-4)]
    [DataRow(5000, 1e-4)]
    public void LinearFallsOnAStraightLine(int step, double expected) =>
        Assert.AreEqual(expected, (Schedule with { Kind = LearningRateScheduleKind.Linear }).At(step), 1e-15);

    [TestMethod]
    [DataRow(0, 1e-3 / 101)]
    [DataRow(100, 1e-3)]
    [DataRow(1600, 1e-3)]
    [DataRow(1601, 1e-4 + 9e-4 * 399 / 400)]
    [DataRow(1800, 5.5e-4)]
    [DataRow(1999, 1e-4 + 9e-4 / 400)]
    [DataRow(2000, 1e-4)]
    [DataRow(5000, 1e-4)]
    public void WarmupStableDecayFallsInTheLastStepsOnly(int step, double expected) =>
        Assert.AreEqual(
            expected, (Schedule with { Kind = LearningRateScheduleKind.WarmupStableDecay, DecaySteps = 400 }).At(step), 1e-15);

    [TestMethod]
    public void AStableRunThatIsMadeLongerHadTheSameRatesBeforeItsFall()
    {
        LearningRateSchedule one = Schedule with { Kind = LearningRateScheduleKind.WarmupStableDecay, DecaySteps = 400 };
        LearningRateSchedule longer = one with { MaxSteps = 3000 };
        for (int step = 0; step <= 1600; step++) Assert.AreEqual(one.At(step), longer.At(step));
        Assert.AreEqual(1e-3, (one with { DecaySteps = 0 }).At(1999), "no fall at all");
        Assert.AreEqual(1e-3, (one with { DecaySteps = 2000 }).At(100), "a fall that is longer than what is left begins after the warm-up");
    }

    [TestMethod]
    public void EveryKindIsDefinedEverywhere()
    {
        foreach (LearningRateScheduleKind kind in Enum.GetValues<LearningRateScheduleKind>())
        {
            LearningRateSchedule shortest = new(1e-3, 1e-4, WarmupSteps: 1, MaxSteps: 1, kind, DecaySteps: 1);
            for (int step = 0; step < 3; step++) Assert.IsTrue(shortest.At(step) is > 0 and <= 1e-3, $"{kind}, {step}");
        }
    }
}
