using System.Text.Json;
using Microsoft.ML.Reversible.Training;

namespace Microsoft.ML.Reversible.Tests.Training;

[TestClass]
public sealed class StepGuardTests
{
    [TestMethod]
    [DataRow(double.NaN)]
    [DataRow(double.PositiveInfinity)]
    public void ANormThatIsNotFiniteIsSkippedAndCounted(double norm)
    {
        var guard = new StepGuard();
        Assert.IsTrue(guard.Accept(1, 2));
        Assert.IsFalse(guard.Accept(2, norm));
        Assert.IsFalse(guard.Accept(3, norm));
        Assert.AreEqual(new StepGuardState(MeanNorm: 2, LastNorm: 2, AcceptedSteps: 1, SkippedSteps: 2, ConsecutiveSkips: 2), guard.State);
        Assert.IsTrue(guard.Accept(4, 4));
        Assert.AreEqual(new StepGuardState(MeanNorm: 3, LastNorm: 4, AcceptedSteps: 2, SkippedSteps: 2), guard.State);
    }

    [TestMethod]
    public void SoManySkipsInARowEndTheRunWithAdvice()
    {
        var guard = new StepGuard(maxSkippedSteps: 3);
        for (int round = 0; round < 4; round++)
        {
            Assert.IsFalse(guard.Accept(1, double.NaN));
            Assert.IsFalse(guard.Accept(2, double.NaN));
            Assert.IsTrue(guard.Accept(3, 1));
        }
        guard.Accept(4, double.NaN);
        guard.Accept(5, double.NaN);
        var e = Assert.ThrowsExactly<InvalidOperationException>(() => guard.Accept(6, double.NaN));
        StringAssert.Contains(e.Message, "step 6");
        StringAssert.Contains(e.Message, "LearningRate");
    }

    [TestMethod]
    public void AnOutlierIsSkippedOnceThereIsAMean()
    {
        var guard = new StepGuard(outlierFactor: 3);
        Assert.IsTrue(guard.Accept(0, 1));
        Assert.IsTrue(guard.Accept(1, 100), "too early to tell");
        guard.State = new();
        for (int step = 0; step < StepGuard.StepsBeforeOutliers; step++) Assert.IsTrue(guard.Accept(step, step % 2 == 0 ? 1 : 3));
        Assert.AreEqual(2, guard.State.MeanNorm, 1e-12);
        StepGuardState before = guard.State;
        Assert.IsFalse(guard.Accept(100, 6.1));
        Assert.AreEqual(before with { SkippedSteps = 1, ConsecutiveSkips = 1 }, guard.State, "an outlier does not count in the mean");
        Assert.IsTrue(guard.Accept(101, 5.9));

        var off = new StepGuard { State = before };
        Assert.IsTrue(off.Accept(100, 1e9));
        for (int skip = 2; skip <= StepGuard.DefaultMaxSkippedSteps; skip++) guard.Accept(102, 1e9);
        var e = Assert.ThrowsExactly<InvalidOperationException>(() => guard.Accept(103, 1e9));
        StringAssert.Contains(e.Message, "times its mean");
    }

    [TestMethod]
    public void TheMeanFollowsTheLastFiftySteps()
    {
        var guard = new StepGuard();
        for (int step = 0; step < 500; step++) guard.Accept(step, 100);
        for (int step = 0; step < 50; step++) guard.Accept(step, 0);
        Assert.AreEqual(100 * Math.Pow(0.98, 50), guard.State.MeanNorm, 1e-9);
    }

    [TestMethod]
    public void AGuardWithTheSavedStateGoesOnToTheBit()
    {
        var random = new Random(1);
        var guard = new StepGuard(outlierFactor: 1.5);
        for (int step = 0; step < 30; step++) guard.Accept(step, random.NextDouble());
        var resumed = new StepGuard(outlierFactor: 1.5)
        {
            State = JsonSerializer.Deserialize<StepGuardState>(JsonSerializer.Serialize(guard.State))!,
        };
        for (int step = 30; step < 100; step++)
        {
            double norm = random.NextDouble();
            Assert.AreEqual(guard.Accept(step, norm), resumed.Accept(step, norm));
        }
        Assert.AreEqual(guard.State, resumed.State);
        Assert.IsGreaterThan(0, guard.State.SkippedSteps);
    }
}
