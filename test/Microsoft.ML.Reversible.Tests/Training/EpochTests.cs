using Microsoft.ML.Reversible.Benchmarks;
using Microsoft.ML.Reversible.Tests.Retrofit;
using Microsoft.ML.Reversible.Tests.Storage;

namespace Microsoft.ML.Reversible.Tests.Training;

/// <summary>Tests runs whose length is a number of passes over the data.</summary>
[TestClass]
public sealed class EpochTests
{
    private readonly MLContext _ml = new(seed: 1) { FallbackToCpu = false };

    [TestMethod]
    [DataRow(1.0, null, 12)]
    [DataRow(2.0, null, 23)]
    [DataRow(0.5, null, 6)]
    [DataRow(1e-9, null, 1)]
    [DataRow(2.0, 9, 9)]
    [DataRow(0.5, 9, 6)]
    [DataRow(1e300, 9, 9)]
    public void ARunEndsWithItsPassesOrStepsWhicheverComeFirst(double epochs, int? steps, int expected)
    {
        // 180 examples, 16 of them in a step.
        (TrainingMetrics metrics, _) = RegressionTask.Train(Options(null, o => (o.MaxEpochs, o.MaxSteps) = (epochs, steps)));
        Assert.AreEqual((expected, expected), (metrics.History[^1].Step, metrics.History[^1].MaxSteps));
        Assert.IsNotNull(metrics.ValidationLoss);
        Assert.IsFalse(metrics.StoppedEarly);
    }

    [TestMethod]
    public void AFractionOfWholeStepsIsNotRoundedUp()
    {
        // 1.1 times 10 is a little more than 11 in floating point.
        (TrainingMetrics metrics, _) = RegressionTask.Train(Options(null, o =>
        {
            (o.MaxEpochs, o.ExampleCount, o.ValidationFraction) = (1.1, 160, 0);
            o.EvaluationInterval = new RegressionOptions().EvaluationInterval;
        }));
        Assert.AreEqual(11, metrics.History[^1].Step);
    }

    [TestMethod]
    [DataRow(LearningRateScheduleKind.Cosine)]
    [DataRow(LearningRateScheduleKind.WarmupStableDecay)]
    public void TheScheduleIsThatOfTheNumberOfSteps(LearningRateScheduleKind schedule)
    {
        (TrainingMetrics epochs, byte[] weights) = RegressionTask.Train(
            Options(null, o => (o.MaxEpochs, o.WarmupSteps, o.Schedule) = (2, null, schedule)));
        (TrainingMetrics steps, byte[] same) = RegressionTask.Train(
            Options(null, o => (o.MaxSteps, o.WarmupSteps, o.Schedule) = (23, 2, schedule)));
        CollectionAssert.AreEqual(same, weights);
        CollectionAssert.AreEqual(
            steps.History.Select(p => p.LearningRate).ToArray(), epochs.History.Select(p => p.LearningRate).ToArray());
    }

    [TestMethod]
    public void AResumedRunEndsWhereTheUninterruptedOneDoesToTheBit()
    {
        using var scratch = new ScratchFolder();
        (TrainingMetrics whole, byte[] weights) = RegressionTask.Train(Options(null, o => o.MaxEpochs = 2));
        using var source = new CancellationTokenSource();
        RegressionOptions cancelled = Options(scratch.FullName, o => (o.MaxEpochs, o.CancellationToken) = (2, source.Token));
        cancelled.Progress = RunOptions.At(9, source.Cancel);
        Assert.ThrowsExactly<OperationCanceledException>(() => RegressionTask.Train(cancelled));
        (TrainingMetrics resumed, byte[] actual) = RegressionTask.Train(Options(scratch.FullName, o => o.MaxEpochs = 2));
        Assert.AreEqual(9, resumed.ResumedFrom);
        CollectionAssert.AreEqual(weights, actual);
        Assert.AreEqual(whole.ValidationLoss, resumed.ValidationLoss);
        (TrainingMetrics again, _) = RegressionTask.Train(Options(scratch.FullName, o => o.MaxEpochs = 2));
        Assert.AreEqual(23, again.ResumedFrom);

        var e = Assert.ThrowsExactly<InvalidOperationException>(
            () => RegressionTask.Train(Options(scratch.FullName, o => o.MaxEpochs = 3)));
        StringAssert.Contains(e.Message, "MaxEpochs was 2 and is now 3");
        // The same number of steps without passes is the same run, another number would have had other rates.
        (again, _) = RegressionTask.Train(Options(scratch.FullName, o => o.MaxSteps = 23));
        Assert.AreEqual(23, again.ResumedFrom);
        e = Assert.ThrowsExactly<InvalidOperationException>(() => RegressionTask.Train(Options(scratch.FullName, o => o.MaxSteps = 24)));
        StringAssert.Contains(e.Message, "MaxSteps was not set and is now 24");
    }

    [TestMethod]
    public void ACheckpointBeyondTheLastStepIsRefused()
    {
        using var scratch = new ScratchFolder();
        RegressionTask.Train(Options(scratch.FullName, o => o.MaxEpochs = 2));
        Language.TestFolders.ChangeJson(scratch.File("checkpoints/step-00000023/training.json"), json =>
        {
            json["Fingerprint"]!["Settings"]!["MaxEpochs"] = "1";
        });
        File.Delete(scratch.File("checkpoints/step-00000023/checksums.sha256"));
        Microsoft.ML.Reversible.Training.Checksums.Write(scratch.File("checkpoints/step-00000023"));
        var e = Assert.ThrowsExactly<InvalidDataException>(() => RegressionTask.Train(Options(scratch.FullName, o => o.MaxEpochs = 1)));
        StringAssert.Contains(e.Message, "step 23");
    }

    [TestMethod]
    public void AWarmUpThatIsLongerThanThePassesIsRefusedByBothNames()
    {
        var e = Assert.ThrowsExactly<ArgumentOutOfRangeException>(
            () => RegressionTask.Train(Options(null, o => (o.MaxEpochs, o.WarmupSteps) = (0.5, 7))));
        StringAssert.Contains(
            e.Message, "WarmupSteps must be within [0, the steps of MaxEpochs 0.5 with 180 examples a pass], which is 6.");
    }

    [TestMethod]
    public void MoreStepsThanCanBeCountedAreRefused()
    {
        var e = Assert.ThrowsExactly<InvalidOperationException>(() => RegressionTask.Train(Options(null, o => o.MaxEpochs = 1e300)));
        StringAssert.Contains(e.Message, "MaxEpochs is 1E+300");
    }

    [TestMethod]
    [DataRow(DocumentBoundaries.PackOver)]
    [DataRow(DocumentBoundaries.Respect)]
    public void APassTakesEveryWindowOfTheText(DocumentBoundaries boundaries)
    {
        using var scratch = new ScratchFolder();
        using ReversibleLmTransformer model = Corpus.Train(_ml, Set(null));
        long windows = Windows(boundaries);
        Assert.AreEqual((windows + 3) / 4, model.Metrics!.History[^1].Step);

        RunOptions.CancelAt(_ml, 10, Set(scratch.FullName));
        using ReversibleLmTransformer resumed = Corpus.Train(_ml, Set(scratch.FullName));
        Assert.AreEqual(10, resumed.Metrics!.ResumedFrom);
        RunOptions.AssertSame(model, resumed);

        Action<ReversibleLmTrainer.Options> Set(string? folder) => RunOptions.In(folder, o =>
        {
            (o.MaxEpochs, o.MaxSteps, o.WarmupSteps, o.DocumentBoundaries) = (1, null, null, boundaries);
            o.EvaluationInterval = 50;
        });
    }

    [TestMethod]
    public void ADistillationTakesPassesToo()
    {
        using ReversibleLmTransformer student = Retrofits.Fit(o =>
            (o.Scheme, o.MaxEpochs, o.MaxSteps, o.WarmupSteps) = (new IteratedInverse { A = 1 }, 0.1, null, null));
        Assert.AreEqual((int)Math.Ceiling(0.1 * Windows(DocumentBoundaries.PackOver) / 4), student.Metrics!.History[^1].Step);
    }

    /// <summary>Number of training windows of 16 tokens in <see cref="Corpus.Rows"/>, as bytes with an end after each row.</summary>
    private static long Windows(DocumentBoundaries boundaries)
    {
        int[] lengths = [.. Corpus.Rows.Select(row => row.Length + 1)];
        int total = lengths.Sum(), heldOut = (int)(total * 0.1);
        if (boundaries == DocumentBoundaries.PackOver) return (total - heldOut - 1) / 16;
        int rows = lengths.Length;
        for (int tokens = 0; tokens < heldOut; rows--) tokens += lengths[rows - 1];
        return lengths.Take(rows).Sum(length => (length - 1 + 15) / 16);
    }

    private static RegressionOptions Options(string? folder, Action<RegressionOptions> change)
    {
        RegressionOptions options = RegressionTask.Options(folder);
        (options.MaxSteps, options.WarmupSteps, options.FinalLearningRate) = (null, null, null);
        change(options);
        return options;
    }
}
