using System.Diagnostics;
using Microsoft.ML.Reversible.Benchmarks;
using Microsoft.ML.Reversible.Tests.Storage;
using Microsoft.ML.Reversible.Training;

namespace Microsoft.ML.Reversible.Tests.Training;

[TestClass]
public sealed class TensorBoardLogTests
{
    private readonly MLContext _ml = new(seed: 1) { FallbackToCpu = false };

    [TestMethod]
    public void TheScalarsAreThoseOfTheReports()
    {
        using var scratch = new ScratchFolder();
        double before = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() / 1000.0;
        using ReversibleLmTransformer model = Corpus.Train(_ml, RunOptions.In(null, o => o.TensorBoardFolder = scratch.File("board")));
        double after = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() / 1000.0;

        List<EventFiles.Entry> entries = EventFiles.Read(scratch.File("board"));
        Assert.IsTrue(entries.All(entry => entry.WallTime >= before && entry.WallTime <= after));
        Assert.IsFalse(entries.Any(entry => entry.SessionStatus is not null));
        EventFiles.Entry[] reports = [.. entries.Where(entry => entry.Scalars.Count > 0)];
        CollectionAssert.AreEqual(
            model.Metrics!.History.Select(p => (long)p.Step).ToArray(), reports.Select(entry => entry.Step).ToArray());
        foreach ((TrainingProgress progress, EventFiles.Entry entry) in model.Metrics.History.Zip(reports))
        {
            var expected = new Dictionary<string, double>
            {
                ["train/loss"] = progress.Loss,
                ["train/learning_rate"] = progress.LearningRate,
                ["train/grad_norm"] = progress.GradNorm,
                ["train/units_per_second"] = progress.UnitsPerSecond,
            };
            if (progress.ValidationLoss is { } loss) expected["validation/loss"] = loss;
            foreach ((string name, double value) in progress.ValidationFigures) expected[$"validation/{name}"] = value;
            CollectionAssert.AreEquivalent(
                expected.Select(pair => (pair.Key, (float)pair.Value)).ToArray(),
                entry.Scalars.Select(pair => (pair.Key, pair.Value)).ToArray());
        }
        Assert.IsTrue(reports[^1].Scalars.ContainsKey("validation/perplexity"));
    }

    [TestMethod]
    public void AResumedRunContinuesInTheFolderWithoutRepeatedSteps()
    {
        using var scratch = new ScratchFolder();
        string board = scratch.File("board");
        using var source = new CancellationTokenSource();
        RegressionOptions options = RegressionTask.Options(scratch.FullName, step => { if (step == 23) source.Cancel(); });
        (options.CancellationToken, options.CheckpointsKept) = (source.Token, 5);
        Assert.ThrowsExactly<OperationCanceledException>(() => RegressionTask.Train(options));
        // As if the process had been killed after step 20, within the report of step 23.
        foreach (int step in new[] { 21, 22, 23 }) Directory.Delete(scratch.File($"checkpoints/step-{step:D8}"), recursive: true);
        string file = Directory.GetFiles(board).Single();
        File.WriteAllBytes(file, File.ReadAllBytes(file)[..^5]);
        File.WriteAllText(Path.Combine(board, "events.out.tfevents.1.another"), "of another program");

        RegressionTask.Train(RegressionTask.Options(scratch.FullName));

        Assert.AreEqual("of another program", File.ReadAllText(Path.Combine(board, "events.out.tfevents.1.another")));
        File.Delete(Path.Combine(board, "events.out.tfevents.1.another"));
        Assert.HasCount(2, Directory.GetFiles(board));
        List<EventFiles.Entry> entries = EventFiles.Read(board);
        CollectionAssert.AreEqual(
            Enumerable.Range(1, 60).Select(step => (long)step).ToArray(),
            entries.Where(entry => entry.Scalars.Count > 0).Select(entry => entry.Step).ToArray());
        Assert.AreEqual((21, 1), entries.Where(e => e.SessionStatus is not null).Select(e => (e.Step, e.SessionStatus)).Single());
    }

    [TestMethod]
    public void ANewRunReplacesTheFilesOfAnEarlierOne()
    {
        using var scratch = new ScratchFolder();
        for (int run = 0; run < 2; run++)
        {
            RegressionOptions options = RegressionTask.Options(null);
            options.TensorBoardFolder = scratch.FullName;
            RegressionTask.Train(options);
        }
        Assert.HasCount(60, EventFiles.Reports(scratch.FullName));
        Assert.HasCount(1, scratch.Entries);
    }

    [TestMethod]
    public void AKilledProcessLosesNoReportThatItHasMade()
    {
        using var scratch = new ScratchFolder();
        using Process child = ChildProcess.Start("resumable-regression", scratch.FullName);
        for (int step = 1; step <= 7; step++) Assert.AreEqual($"{step}", child.StandardOutput.ReadLine());
        child.Kill();
        child.WaitForExit();
        // The process may have been at work on a report when it was killed.
        string file = Directory.GetFiles(scratch.File("board")).Single();
        byte[] bytes = File.ReadAllBytes(file);
        File.WriteAllBytes(file, bytes[..Microsoft.ML.Reversible.Storage.RecordFile.Read(bytes).Length]);
        CollectionAssert.IsSubsetOf(
            Enumerable.Range(1, 7).Select(step => (long)step).ToArray(),
            EventFiles.Reports(scratch.File("board")).Select(entry => entry.Step).ToArray());
    }

    [TestMethod]
    public void AFolderThatAnotherRunWritesIsRefused()
    {
        using var scratch = new ScratchFolder();
        using var other = new TensorBoardLog(scratch.FullName, step: 0);
        var e = Assert.ThrowsExactly<IOException>(() => TensorBoardLog.RequireWritable(scratch.FullName));
        StringAssert.Contains(e.Message, $"Could not write event files to the folder '{scratch.FullName}'");
    }

    [TestMethod]
    public void NumbersThatAreNotFiniteAreWritten()
    {
        using var scratch = new ScratchFolder();
        using (var log = new TensorBoardLog(scratch.FullName, step: 0))
            log.Add(new TrainingProgress(1, 9, 1, double.NaN, 1, double.PositiveInfinity, 1, null));
        IReadOnlyDictionary<string, float> scalars = EventFiles.Reports(scratch.FullName).Single().Scalars;
        Assert.IsTrue(float.IsNaN(scalars["train/loss"]));
        Assert.AreEqual(float.PositiveInfinity, scalars["train/grad_norm"]);
    }
}
