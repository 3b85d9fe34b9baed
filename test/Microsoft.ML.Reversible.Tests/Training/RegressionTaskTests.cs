using System.Text.Json;
using Microsoft.ML.Reversible.Benchmarks;
using Microsoft.ML.Reversible.Tests.Storage;

namespace Microsoft.ML.Reversible.Tests.Training;

/// <summary>Tests a training task without text: loop, optimizer, checkpoints and resuming do not depend on the kind of data.</summary>
[TestClass]
public sealed class RegressionTaskTests
{
    [TestMethod]
    public void ItIsLearnedAndReportedInItsOwnUnit()
    {
        using var scratch = new ScratchFolder();
        (TrainingMetrics metrics, _) = RegressionTask.Train(RegressionTask.Options(scratch.FullName));
        Assert.IsLessThan(0.1 * metrics.History[0].Loss, metrics.ValidationLoss!.Value);
        Assert.AreEqual(60 * 16, metrics.UnitCount);
        Assert.AreEqual(20, metrics.ValidationUnitCount);
        Assert.AreEqual(Math.Sqrt(2 * metrics.ValidationLoss.Value), metrics.History[^1].ValidationFigures["rmse"], 1e-12);
        JsonElement last = JsonDocument.Parse(File.ReadAllLines(scratch.File("metrics.jsonl"))[^1]).RootElement;
        Assert.AreEqual(60 * 16, last.GetProperty("examples").GetInt32());
        Assert.IsGreaterThan(0.0, last.GetProperty("examples_per_s").GetDouble());
        Assert.IsGreaterThan(0.0, last.GetProperty("rmse").GetDouble());
        Assert.IsFalse(last.TryGetProperty("tokens", out _) || last.TryGetProperty("perplexity", out _));
    }

    [TestMethod]
    public void KilledAtRandomMomentsItEndsAsTheUninterruptedRunToTheBit()
    {
        var random = new Random(1);
        (TrainingMetrics whole, byte[] weights) = RegressionTask.Train(RegressionTask.Options(null));
        using var scratch = new ScratchFolder();
        Assert.IsGreaterThan(0, RegressionTask.KillAgainAndAgain(scratch.FullName, 4, random));
        AssertSame(whole, weights, RegressionTask.Options(scratch.FullName));
    }

    [TestMethod]
    public void CancelledItLeavesACheckpointFromWhichItResumesToTheBit()
    {
        using var scratch = new ScratchFolder();
        (TrainingMetrics whole, byte[] weights) = RegressionTask.Train(RegressionTask.Options(null));
        using var source = new CancellationTokenSource();
        RegressionOptions options = RegressionTask.Options(scratch.FullName, step => { if (step == 23) source.Cancel(); });
        (options.CancellationToken, options.CheckpointInterval) = (source.Token, 50);
        Assert.ThrowsExactly<OperationCanceledException>(() => RegressionTask.Train(options));
        AssertSame(whole, weights, RegressionTask.Options(scratch.FullName));
    }

    [TestMethod]
    [DataRow(OptimizerPlacement.AfterBackward, 22)]
    [DataRow(OptimizerPlacement.InsideBackward, 20)]
    public void CancelledWithinAPassItResumesFromAWholeStepToTheBit(OptimizerPlacement placement, int checkpoint)
    {
        using var scratch = new ScratchFolder();
        bool inside = placement == OptimizerPlacement.InsideBackward;
        (TrainingMetrics whole, byte[] weights) = RegressionTask.Train(Placed(null));
        using var source = new CancellationTokenSource();
        RegressionOptions options = Placed(scratch.FullName);
        int passes = 0, cancelled = inside ? 23 : 46;
        options.PassBegins = () => { if (++passes == cancelled) source.Cancel(); };
        (options.CancellationToken, options.CheckpointInterval) = (source.Token, 20);
        Assert.ThrowsExactly<OperationCanceledException>(() => RegressionTask.Train(options));
        Assert.IsTrue(Directory.Exists(scratch.File($"checkpoints/step-{checkpoint:D8}")));
        AssertSame(whole, weights, Placed(scratch.FullName));

        RegressionOptions Placed(string? folder)
        {
            RegressionOptions o = RegressionTask.Options(folder);
            if (inside) (o.OptimizerPlacement, o.GradientAccumulationSteps, o.MaxGradNorm) = (placement, 1, 0);
            return o;
        }
    }

    [TestMethod]
    public void AnotherOptionIsAnotherRun()
    {
        using var scratch = new ScratchFolder();
        RegressionOptions options = RegressionTask.Options(scratch.FullName);
        RegressionTask.Train(options);
        options.Noise = 0.5;
        var e = Assert.ThrowsExactly<InvalidOperationException>(() => RegressionTask.Train(options));
        StringAssert.Contains(e.Message, "Noise was 0 and is now 0.5");
    }

    [TestMethod]
    public void ItEndsEarlyWhereEvaluationsGetNoBetterAndReturnsTheBestWeights()
    {
        using var scratch = new ScratchFolder();
        RegressionOptions options = RegressionTask.Options(scratch.FullName);
        // Noise on few examples, of which more and more is learned by heart.
        (options.ExampleCount, options.ValidationFraction, options.Noise, options.MaxSteps) = (30, 0.5, 20, 2000);
        (options.EarlyStoppingPatience, options.ReturnBest, options.FinalLearningRate) = (5, true, 2e-2);
        (TrainingMetrics metrics, byte[] weights) = RegressionTask.Train(options);
        TrainingProgress[] evaluations = [.. metrics.History.Where(p => p.ValidationLoss is not null)];
        TrainingProgress best = evaluations[..^5].MinBy(p => p.ValidationLoss)!;
        Assert.IsTrue(metrics.StoppedEarly);
        Assert.AreEqual(best.Step, evaluations[^6].Step);
        Assert.AreEqual(best.Step, metrics.ModelStep);
        CollectionAssert.AreEqual(weights, RegressionTask.WeightsOf(scratch.File($"checkpoints/step-{best.Step:D8}")));
    }

    [TestMethod]
    public void TheOptimizerMayStepInsideTheBackwardPass()
    {
        RegressionOptions after = RegressionTask.Options(null), inside = RegressionTask.Options(null);
        foreach (RegressionOptions options in new[] { after, inside })
            (options.GradientAccumulationSteps, options.MaxGradNorm) = (1, 0);
        inside.OptimizerPlacement = OptimizerPlacement.InsideBackward;
        CollectionAssert.AreEqual(RegressionTask.Train(after).Weights, RegressionTask.Train(inside).Weights);
    }

    private static void AssertSame(TrainingMetrics whole, byte[] weights, RegressionOptions resumed)
    {
        (TrainingMetrics metrics, byte[] actual) = RegressionTask.Train(resumed);
        Assert.IsNotNull(metrics.ResumedFrom);
        CollectionAssert.AreEqual(weights, actual);
        CollectionAssert.AreEqual(
            whole.History.Select(p => (p.Step, p.Loss, p.GradNorm, p.ValidationLoss)).ToArray(),
            metrics.History.Select(p => (p.Step, p.Loss, p.GradNorm, p.ValidationLoss)).ToArray());
    }
}
