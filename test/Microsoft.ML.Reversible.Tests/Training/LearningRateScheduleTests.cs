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
}
