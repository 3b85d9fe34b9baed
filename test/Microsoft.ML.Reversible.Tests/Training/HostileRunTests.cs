using System.Diagnostics;
using Microsoft.ML.Reversible.Benchmarks;
using Microsoft.ML.Reversible.Tests.Language;
using Microsoft.ML.Reversible.Tests.Storage;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Training;

/// <summary>Tests runs with full disks, unwritable paths, and cancellation at every stage.</summary>
[TestClass]
public sealed class HostileRunTests
{
    private readonly MLContext _ml = new(seed: 1) { FallbackToCpu = false };

    [TestMethod]
    public void AFullDiskEndsTheRunAndTheCheckpointsBeforeResume()
    {
        using var disk = new SmallDisk();
        using var roomy = new ScratchFolder();
        Action<ReversibleLmTrainer.Options> often = o => (o.CheckpointInterval, o.CheckpointsKept) = (1, 50);
        using ReversibleLmTransformer whole = Corpus.Train(_ml, RunOptions.In(null));
        string run = Path.Combine(disk.FullName, "run");

        var e = Assert.ThrowsExactly<IOException>(() => Corpus.Train(_ml, RunOptions.In(run, often)));

        StringAssert.Contains(e.Message, Path.Combine(run, "step-0000000"));
        string[] left = [.. Directory.EnumerateFileSystemEntries(run).Select(entry => Path.GetFileName(entry)).Order()];
        CollectionAssert.AreEqual(new[] { "run.lock", "step-00000001", "step-00000002" }, left[..3]);
        Assert.IsFalse(left.Any(name => name.Contains("partial")), string.Join(", ", left));
        foreach (string folder in Directory.GetDirectories(run))
        {
            Directory.CreateDirectory(roomy.File(Path.GetFileName(folder)));
            foreach (string file in Directory.GetFiles(folder))
                File.Copy(file, Path.Combine(roomy.File(Path.GetFileName(folder)), Path.GetFileName(file)));
        }
        using ReversibleLmTransformer resumed = Corpus.Train(_ml, RunOptions.In(roomy.FullName, often));
        Assert.AreEqual(left.Length - 1, resumed.Metrics!.ResumedFrom);
        RunOptions.AssertSame(whole, resumed);
    }

    [TestMethod]
    [DataRow("file/x")]
    [DataRow("file")]
    [DataRow("folder")]
    public void APathThatCannotBeWrittenIsNamedBeforeTheDataIsRead(string name)
    {
        using var scratch = new ScratchFolder();
        File.WriteAllText(scratch.File("file"), "");
        Directory.CreateDirectory(scratch.File("folder"));
        string path = scratch.File(name);
        if (name != "folder") Refuse(o => o.CheckpointFolder = path);
        if (name == "file") return;
        Refuse(o => o.MetricsPath = path);
        Refuse(o => o.TokenCachePath = path);

        void Refuse(Action<ReversibleLmTrainer.Options> change)
        {
            ReversibleLmTrainer.Options options = Corpus.QuickOptions;
            options.Tokenization = TextTokenization.Bpe;
            change(options);
            IDataView data = _ml.Data.LoadFromEnumerable(Corpus.Rows.Select(Unread));
            var e = Assert.Throws<Exception>(() => _ml.Reversible().LanguageModel(options).Fit(data));
            Assert.IsTrue(e is IOException or UnauthorizedAccessException, e.ToString());
            StringAssert.Contains(e.Message, path);
        }

        static Corpus.Row Unread(string text) => throw new InvalidOperationException($"'{text}' was read");
    }

    [TestMethod]
    public void AMetricsFileThatAnotherRunWritesIsRefusedAndStaysWhole()
    {
        using var scratch = new ScratchFolder();
        string path = scratch.File("metrics.jsonl");
        IOException? refused = null;
        using ReversibleLmTransformer model = Corpus.Train(_ml, RunOptions.In(null, o =>
        {
            o.MetricsPath = path;
            o.Progress = RunOptions.At(
                7, () => refused = Assert.ThrowsExactly<IOException>(() => Corpus.Train(_ml, other => other.MetricsPath = path)));
        }));
        StringAssert.Contains(refused!.Message, path);
        Assert.HasCount(20, File.ReadAllLines(path));
    }

    [TestMethod]
    public void ASecondProcessIsRefusedWhileTheFirstRuns()
    {
        using var scratch = new ScratchFolder();
        using Process child = ChildProcess.Start("resumable-run", scratch.FullName);
        try
        {
            Assert.IsNotNull(child.StandardOutput.ReadLine());
            var e = Assert.ThrowsExactly<IOException>(() => KilledRun.Train(scratch.FullName));
            StringAssert.Contains(e.Message, "another run");
        }
        finally
        {
            child.Kill();
            child.WaitForExit();
        }
    }

    [TestMethod]
    public void CancelledBeforeTheFirstStepItLeavesNoCheckpoint()
    {
        using var scratch = new ScratchFolder();
        using var source = new CancellationTokenSource();
        source.Cancel();
        Assert.ThrowsExactly<OperationCanceledException>(
            () => Corpus.Train(_ml, RunOptions.In(scratch.FullName, o => o.CancellationToken = source.Token)));
        CollectionAssert.AreEqual(new[] { "run.lock" }, scratch.Entries);
    }

    [TestMethod]
    public void CancelledWhileItReadsTheDataItLeavesNothingBesideTheCache()
    {
        using var scratch = new ScratchFolder();
        using var source = new CancellationTokenSource();
        ReversibleLmTrainer.Options options = Corpus.QuickOptions;
        (options.TokenCachePath, options.CancellationToken) = (scratch.File("tokens"), source.Token);
        IEnumerable<Corpus.Row> rows = Corpus.Rows.Select((text, i) =>
        {
            if (i == 100) source.Cancel();
            return new Corpus.Row { Text = text };
        });
        long before = TestModels.LiveTensors();
        IDataView data = _ml.Data.LoadFromEnumerable(rows);
        Assert.ThrowsExactly<OperationCanceledException>(() => _ml.Reversible().LanguageModel(options).Fit(data));
        Assert.IsEmpty(scratch.Entries);
        Assert.AreEqual(before, TestModels.LiveTensors());
    }

    [TestMethod]
    public void CancelledInTheLastEvaluationItIsMadeUpFor()
    {
        using var scratch = new ScratchFolder();
        using var source = new CancellationTokenSource();
        using ReversibleLmTransformer whole = Corpus.Train(_ml, Options(new LetterTokenizer(), null));
        bool lastStep = false;
        var tokenizer = new LetterTokenizer(() => { if (lastStep) source.Cancel(); });
        Assert.ThrowsExactly<OperationCanceledException>(() => Corpus.Train(_ml, Options(tokenizer, scratch.FullName, o =>
            (o.CancellationToken, o.Progress) = (source.Token, RunOptions.At(19, () => lastStep = true)))));
        CollectionAssert.Contains(scratch.Entries, "step-00000020");
        using ReversibleLmTransformer resumed = Corpus.Train(_ml, Options(new LetterTokenizer(), scratch.FullName));
        Assert.AreEqual(20, resumed.Metrics!.ResumedFrom);
        RunOptions.AssertSame(whole, resumed);

        static Action<ReversibleLmTrainer.Options> Options(
            LetterTokenizer tokenizer, string? folder, Action<ReversibleLmTrainer.Options>? change = null) =>
            RunOptions.In(folder, o =>
            {
                (o.Tokenizer, o.EndOfTextId, o.EvaluationInterval) = (tokenizer, 0, 50);
                change?.Invoke(o);
            });
    }

    [TestMethod]
    public void AListenerThatThrowsEndsTheRunWhichResumes()
    {
        using var scratch = new ScratchFolder();
        using ReversibleLmTransformer whole = Corpus.Train(_ml, RunOptions.In(null));
        long before = TestModels.LiveTensors();
        Assert.ThrowsExactly<TimeZoneNotFoundException>(() => Corpus.Train(_ml, RunOptions.In(scratch.FullName, o =>
            (o.CheckpointInterval, o.Progress) = (3, RunOptions.At(8, () => throw new TimeZoneNotFoundException())))));
        Assert.AreEqual(before, TestModels.LiveTensors());
        using ReversibleLmTransformer resumed = Corpus.Train(_ml, RunOptions.In(scratch.FullName));
        Assert.AreEqual(6, resumed.Metrics!.ResumedFrom);
        RunOptions.AssertSame(whole, resumed);
    }

    [TestMethod]
    [DataRow(TextTokenization.Byte, DocumentBoundaries.PackOver)]
    [DataRow(TextTokenization.Character, DocumentBoundaries.Respect)]
    [DataRow(TextTokenization.Bpe, DocumentBoundaries.PackOver)]
    public void OneRowOfAMegabyteIsTrainedOn(TextTokenization tokenization, DocumentBoundaries boundaries)
    {
        string row = string.Concat(Enumerable.Range(0, 40_000).Select(i => $"{i} and {i % 7} make {i + i % 7}. "));
        ReversibleLmTrainer.Options options = Corpus.QuickOptions;
        (options.Tokenization, options.DocumentBoundaries) = (tokenization, boundaries);
        if (tokenization == TextTokenization.Bpe) options.VocabularySize = 300;
        (options.ValidationFraction, options.MaxSteps) = (0, 5);
        using ReversibleLmTransformer model = _ml.Reversible().LanguageModel(options).Fit(Corpus.View(_ml, row));
        Assert.AreEqual(5 * 4 * 16, model.Metrics!.Tokens);
    }

    [TestMethod]
    public void ARunThatCouldTakeNoStepGivesNoModel()
    {
        using var scratch = new ScratchFolder();
        using (ReversibleLmTransformer model = Corpus.Train(_ml)) model.SavePretrained(scratch.File("model"));
        TestFolders.ChangeTensors(scratch.File("model"), tensors =>
        {
            string name = tensors.Keys.First(key => key.EndsWith("ln_f.weight"));
            tensors[name] = tensors[name].fill_(float.NaN);
        });
        Action<ReversibleLmTrainer.Options> broken = o =>
            (o.PretrainedFolder, o.MaxSkippedSteps, o.CheckpointInterval) = (scratch.File("model"), 99, 7);
        // Once from the start, once from the checkpoint that the first left.
        foreach (int _ in new[] { 1, 2 })
        {
            var e = Assert.ThrowsExactly<InvalidOperationException>(() => Corpus.Train(_ml, RunOptions.In(scratch.File("run"), broken)));
            StringAssert.Contains(e.Message, "None of the 20 steps");
        }
    }
}
