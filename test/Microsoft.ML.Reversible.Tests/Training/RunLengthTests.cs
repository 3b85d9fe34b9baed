using Microsoft.ML.Reversible.Benchmarks;
using Microsoft.ML.Reversible.Tests.Storage;

namespace Microsoft.ML.Reversible.Tests.Training;

/// <summary>Tests resumed runs whose number of steps is another one than the checkpoint's.</summary>
[TestClass]
public sealed class RunLengthTests
{
    [TestMethod]
    [DataRow(5, OptimizerPlacement.AfterBackward)]
    [DataRow(0, OptimizerPlacement.AfterBackward)]
    [DataRow(5, OptimizerPlacement.InsideBackward)]
    public void ACompletedRunWithAConstantRateGoesOnToTheBit(int warmup, OptimizerPlacement placement)
    {
        Action<RegressionOptions> change = o =>
        {
            (o.Schedule, o.WarmupSteps, o.OptimizerPlacement) = (LearningRateScheduleKind.Constant, warmup, placement);
            if (placement == OptimizerPlacement.InsideBackward) o.GradientAccumulationSteps = 1;
        };
        using var scratch = new ScratchFolder();
        (TrainingMetrics whole, byte[] weights) = RegressionTask.Train(Options(null, 60, change));
        RegressionTask.Train(Options(scratch.FullName, 30, change));
        (TrainingMetrics longer, byte[] actual) = RegressionTask.Train(Options(scratch.FullName, 60, change));

        Assert.AreEqual(30, longer.ResumedFrom);
        CollectionAssert.AreEqual(weights, actual);
        // An evaluation was due at step 30, and its batches are the whole held-out part.
        CollectionAssert.AreEqual(Curve(whole), Curve(longer));
        (TrainingMetrics again, _) = RegressionTask.Train(Options(scratch.FullName, 60, change));
        Assert.AreEqual(60, again.ResumedFrom);
    }

    [TestMethod]
    public void ARunGoesOnBeforeItsDecayBeginsToTheBit()
    {
        using var scratch = new ScratchFolder();
        (TrainingMetrics whole, byte[] weights) = RegressionTask.Train(Options(null, 60, Set(12)));
        CancelAt(26, Options(scratch.FullName, 36, Set(10)));
        (TrainingMetrics longer, byte[] actual) = RegressionTask.Train(Options(scratch.FullName, 60, Set(12)));
        Assert.AreEqual(26, longer.ResumedFrom);
        CollectionAssert.AreEqual(weights, actual);
        CollectionAssert.AreEqual(Curve(whole), Curve(longer));
    }

    [TestMethod]
    public void AfterItsDecayHasBegunItIsRefused()
    {
        using var scratch = new ScratchFolder();
        CancelAt(28, Options(scratch.FullName, 36, Set(10)));
        var e = Assert.ThrowsExactly<InvalidOperationException>(() => RegressionTask.Train(Options(scratch.FullName, 60, Set(10))));
        StringAssert.Contains(e.Message, "MaxSteps was 36 and is now 60");
        StringAssert.Contains(e.Message, "step 28, which is done, would have had the learning rate 0.02 and not 0.0181");
    }

    [TestMethod]
    public void ACosineIsRefusedWithTheReasonAndWhatToDo()
    {
        using var scratch = new ScratchFolder();
        Action<RegressionOptions> cosine = o => o.Schedule = LearningRateScheduleKind.Cosine;
        CancelAt(8, Options(scratch.FullName, 30, cosine));
        var e = Assert.ThrowsExactly<InvalidOperationException>(() => RegressionTask.Train(Options(scratch.FullName, 60, cosine)));
        StringAssert.Contains(e.Message, "step 7, which is done");
        StringAssert.Contains(e.Message, "Schedule Constant, or WarmupStableDecay before its decay begins");
        Assert.AreEqual(30, RegressionTask.Train(Options(scratch.FullName, 30, cosine)).Metrics.History[^1].Step);
    }

    [TestMethod]
    public void DuringTheWarmUpEvenACosineMayChange()
    {
        using var scratch = new ScratchFolder();
        Action<RegressionOptions> cosine = o => o.Schedule = LearningRateScheduleKind.Cosine;
        (_, byte[] weights) = RegressionTask.Train(Options(null, 40, cosine));
        CancelAt(4, Options(scratch.FullName, 30, cosine));
        CollectionAssert.AreEqual(weights, RegressionTask.Train(Options(scratch.FullName, 40, cosine)).Weights);
    }

    [TestMethod]
    public void ADerivedWarmUpThatWouldGrowIsNamed()
    {
        using var scratch = new ScratchFolder();
        Action<RegressionOptions> derived = o => (o.Schedule, o.WarmupSteps) = (LearningRateScheduleKind.Constant, null);
        RegressionTask.Train(Options(scratch.FullName, 30, derived));
        var e = Assert.ThrowsExactly<InvalidOperationException>(() => RegressionTask.Train(Options(scratch.FullName, 60, derived)));
        StringAssert.Contains(e.Message, "WarmupSteps was 3 and is now 6");
        StringAssert.Contains(e.Message, "with WarmupSteps 3");
        RegressionTask.Train(Options(scratch.FullName, 60, o => (o.Schedule, o.WarmupSteps) = (LearningRateScheduleKind.Constant, 3)));
    }

    [TestMethod]
    public void FewerStepsThanAreDoneAreRefusedAndFewerThanPlannedAreTaken()
    {
        using var scratch = new ScratchFolder();
        Action<RegressionOptions> constant = o => o.Schedule = LearningRateScheduleKind.Constant;
        (_, byte[] weights) = RegressionTask.Train(Options(null, 33, constant));
        CancelAt(22, Options(scratch.FullName, 60, constant));
        foreach (int fewer in new[] { 21, 22 })
        {
            var e = Assert.ThrowsExactly<InvalidOperationException>(() => RegressionTask.Train(Options(scratch.FullName, fewer, constant)));
            StringAssert.Contains(e.Message, "22 steps are done");
        }
        CollectionAssert.AreEqual(weights, RegressionTask.Train(Options(scratch.FullName, 33, constant)).Weights);
    }

    [TestMethod]
    public void MorePassesMayBeTakenToo()
    {
        using var scratch = new ScratchFolder();
        (_, byte[] weights) = RegressionTask.Train(Passes(null, 3));
        RegressionTask.Train(Passes(scratch.FullName, 1.5));
        (TrainingMetrics longer, byte[] actual) = RegressionTask.Train(Passes(scratch.FullName, 3));
        // 180 examples, 16 of them in a step.
        Assert.AreEqual((17, 34), (longer.ResumedFrom, longer.History[^1].Step));
        CollectionAssert.AreEqual(weights, actual);
        var e = Assert.ThrowsExactly<InvalidOperationException>(() => RegressionTask.Train(Passes(scratch.FullName, 2)));
        StringAssert.Contains(e.Message, "MaxEpochs was 3 and is now 2");
        StringAssert.Contains(e.Message, "34 steps are done");
        e = Assert.ThrowsExactly<InvalidOperationException>(() => RegressionTask.Train(Passes(scratch.FullName, 2, steps: 20)));
        StringAssert.Contains(e.Message, "34 steps are done");
        // The same number of steps, said in another way.
        Assert.AreEqual(34, RegressionTask.Train(Passes(scratch.FullName, null, steps: 34)).Metrics.ResumedFrom);

        static RegressionOptions Passes(string? folder, double? passes, int? steps = null)
        {
            RegressionOptions options = Options(folder, 1, o => o.Schedule = LearningRateScheduleKind.Constant);
            (options.MaxEpochs, options.MaxSteps) = (passes, steps);
            return options;
        }
    }

    /// <summary>
    /// The last evaluation takes the whole held-out part and counts for early stopping: it stays in the history, and the weights do not
    /// depend on it.
    /// </summary>
    [TestMethod]
    public void TheEvaluationAtTheOldLastStepStaysInTheHistory()
    {
        using var scratch = new ScratchFolder();
        Action<RegressionOptions> change = o =>
            (o.Schedule, o.EvaluationBatches, o.ReportInterval) = (LearningRateScheduleKind.Constant, 1, 7);
        (TrainingMetrics whole, byte[] weights) = RegressionTask.Train(Options(null, 60, change));
        RegressionTask.Train(Options(scratch.FullName, 33, change));
        (TrainingMetrics longer, byte[] actual) = RegressionTask.Train(Options(scratch.FullName, 60, change));
        CollectionAssert.AreEqual(weights, actual);
        Assert.IsNotNull(longer.History.Single(p => p.Step == 33).ValidationLoss);
        CollectionAssert.AreEqual(Curve(whole), Curve(longer).Where(p => p.Step != 33).ToArray());
    }

    [TestMethod]
    public void ARunThatStoppedEarlyStaysStopped()
    {
        using var scratch = new ScratchFolder();
        Action<RegressionOptions> stops = o =>
        {
            (o.ExampleCount, o.ValidationFraction, o.Noise, o.EarlyStoppingPatience) = (30, 0.5, 20, 1);
            (o.Schedule, o.LearningRate, o.EvaluationInterval) = (LearningRateScheduleKind.Constant, 0.5, 5);
        };
        (TrainingMetrics first, byte[] weights) = RegressionTask.Train(Options(scratch.FullName, 500, stops));
        Assert.IsTrue(first.StoppedEarly);
        (TrainingMetrics again, byte[] actual) = RegressionTask.Train(Options(scratch.FullName, 600, stops));
        Assert.IsTrue(again.StoppedEarly);
        Assert.AreEqual(first.History[^1].Step, again.History[^1].Step);
        CollectionAssert.AreEqual(weights, actual);
    }

    private static Action<RegressionOptions> Set(int decay) =>
        o => (o.Schedule, o.DecaySteps, o.FinalLearningRate) = (LearningRateScheduleKind.WarmupStableDecay, decay, 1e-3);

    private static RegressionOptions Options(string? folder, int steps, Action<RegressionOptions> change)
    {
        RegressionOptions options = RegressionTask.Options(folder);
        (options.MaxSteps, options.FinalLearningRate) = (steps, null);
        change(options);
        return options;
    }

    private static void CancelAt(int step, RegressionOptions options)
    {
        using var source = new CancellationTokenSource();
        (options.Progress, options.CancellationToken) = (RunOptions.At(step, source.Cancel), source.Token);
        Assert.ThrowsExactly<OperationCanceledException>(() => RegressionTask.Train(options));
    }

    private static (int Step, double Loss, double Rate, double? Validation)[] Curve(TrainingMetrics metrics) =>
        [.. metrics.History.Select(p => (p.Step, p.Loss, p.LearningRate, p.ValidationLoss))];
}
