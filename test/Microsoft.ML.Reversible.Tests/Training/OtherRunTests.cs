using Microsoft.ML.Reversible.Tests.Language;
using Microsoft.ML.Reversible.Tests.Storage;
using Microsoft.ML.Reversible.Training;

namespace Microsoft.ML.Reversible.Tests.Training;

/// <summary>Tests what may change when a run is resumed, and what may not.</summary>
[TestClass]
public sealed class OtherRunTests
{
    private readonly MLContext _ml = new(seed: 1) { FallbackToCpu = false };

    public static IEnumerable<object[]> Changes =>
    [
        Change("3 layers", o => o.LayerCount = 3),
        Change("leapfrog", o => o.Scheme = Scheme.Leapfrog),
        Change("residual", o => o.Scheme = Scheme.Residual),
        Change("Exact", o => o.Arithmetic = Arithmetic.Exact),
        Change("Character", o => o.Tokenization = TextTokenization.Character),
        Change("PretrainedFolder", o => o.PretrainedFolder = "anywhere"),
        Change("OverfitOneBatch", o => o.OverfitOneBatch = true),
    ];

    [TestMethod]
    [DynamicData(nameof(Changes))]
    public void AnotherModelOrTokenizerIsAnotherRun(string named, Action<ReversibleLmTrainer.Options> change)
    {
        using var scratch = new ScratchFolder();
        RunOptions.CancelAt(
            _ml, 2, RunOptions.In(scratch.FullName, o => (o.Scheme, o.BackwardMode) = (Scheme.Midpoint, BackwardMode.Stored)));
        int reports = 0;
        var e = Assert.ThrowsExactly<InvalidOperationException>(() => Corpus.Train(_ml, RunOptions.In(scratch.FullName, o =>
        {
            (o.Scheme, o.BackwardMode, o.TokenizationProgress) = (Scheme.Midpoint, BackwardMode.Stored, new Counter(() => reports++));
            change(o);
        })));
        StringAssert.Contains(e.Message, named);
        Assert.AreEqual(0, reports, "it shows before the data is read");
    }

    [TestMethod]
    public void AnotherSizeOfALearnedVocabularyIsAnotherRun()
    {
        using var scratch = new ScratchFolder();
        RunOptions.CancelAt(_ml, 1, Learn(270));
        var e = Assert.ThrowsExactly<InvalidOperationException>(() => Corpus.Train(_ml, Learn(271)));
        StringAssert.Contains(e.Message, "VocabularySize was 270 and is now 271");

        Action<ReversibleLmTrainer.Options> Learn(int size) =>
            RunOptions.In(scratch.FullName, o => (o.Tokenization, o.VocabularySize) = (TextTokenization.Bpe, size));
    }

    [TestMethod]
    public void ALearnedTokenizerMayBeGivenBackAsFiles()
    {
        using var scratch = new ScratchFolder();
        Action<ReversibleLmTrainer.Options> learned = o => (o.Tokenization, o.VocabularySize) = (TextTokenization.Bpe, 270);
        RunOptions.CancelAt(_ml, 2, RunOptions.In(scratch.File("run"), learned));
        using ReversibleLmTransformer model = Corpus.Train(
            _ml, RunOptions.In(scratch.File("run"), o => o.TokenizerPath = Path.Combine(scratch.File("run"), "step-00000002")));
        Assert.AreEqual(2, model.Metrics!.ResumedFrom);
    }

    [TestMethod]
    public void WhereAndHowItComputesAndWhatItReportsAndKeepsMayChange()
    {
        using var scratch = new ScratchFolder();
        Action<ReversibleLmTrainer.Options> exact = o => (o.Scheme, o.Arithmetic) = (Scheme.Midpoint, Arithmetic.Exact);
        using ReversibleLmTransformer whole = Corpus.Train(_ml, RunOptions.In(null, exact));
        RunOptions.CancelAt(_ml, 8, RunOptions.In(scratch.FullName, o =>
        {
            exact(o);
            (o.BackwardMode, o.CheckpointInterval, o.CheckpointsKept) = (BackwardMode.Reversible, 1, 6);
        }));
        Assert.HasCount(6, Directory.GetDirectories(scratch.FullName));
        using ReversibleLmTransformer resumed = Corpus.Train(_ml, RunOptions.In(scratch.FullName, o =>
        {
            exact(o);
            (o.BackwardMode, o.Device, o.ReportInterval, o.CheckpointsKept) = (BackwardMode.Stored, "cpu", 7, 1);
        }));
        Assert.AreEqual(8, resumed.Metrics!.ResumedFrom);
        Assert.IsTrue(whole.Network.parameters().Zip(resumed.Network.parameters(), TestModels.SameBits).All(same => same));
        Assert.AreEqual(whole.Metrics!.ValidationLoss, resumed.Metrics.ValidationLoss);
        CollectionAssert.AreEqual(new[] { "run.lock", "step-00000020" }, scratch.Entries);
    }

    [TestMethod]
    public void ACheckpointComesBeforeTheFolderThatTheRunBeganFrom()
    {
        using var scratch = new ScratchFolder();
        using (ReversibleLmTransformer first = Corpus.Train(_ml)) first.SavePretrained(scratch.File("model"));
        Action<ReversibleLmTrainer.Options> pretrained = o => o.PretrainedFolder = scratch.File("model");
        using ReversibleLmTransformer whole = Corpus.Train(_ml, RunOptions.In(null, pretrained));
        RunOptions.CancelAt(_ml, 8, RunOptions.In(scratch.File("run"), pretrained));
        Directory.Delete(scratch.File("model"), recursive: true);
        using ReversibleLmTransformer resumed = Corpus.Train(_ml, RunOptions.In(scratch.File("run"), pretrained));
        RunOptions.AssertSame(whole, resumed);
    }

    [TestMethod]
    public void ATokenizerInstanceIsGivenAgain()
    {
        using var scratch = new ScratchFolder();
        Action<ReversibleLmTrainer.Options> given = o => (o.Tokenizer, o.EndOfTextId) = (new LetterTokenizer(), 0);
        using ReversibleLmTransformer whole = Corpus.Train(_ml, RunOptions.In(null, given));
        RunOptions.CancelAt(_ml, 8, RunOptions.In(scratch.FullName, given));
        var e = Assert.ThrowsExactly<InvalidOperationException>(() => Corpus.Train(_ml, RunOptions.In(scratch.FullName)));
        StringAssert.Contains(e.Message, "TokenizerPath");
        using ReversibleLmTransformer resumed = Corpus.Train(_ml, RunOptions.In(scratch.FullName, given));
        RunOptions.AssertSame(whole, resumed);
    }

    [TestMethod]
    public void AfterADamagedCheckpointTheNewOnesStayEvenWhereOneIsKept()
    {
        using var scratch = new ScratchFolder();
        using ReversibleLmTransformer whole = Corpus.Train(_ml, RunOptions.In(scratch.FullName, o => o.CheckpointInterval = 6));
        File.Delete(Path.Combine(scratch.FullName, "step-00000020", "config.json"));
        File.Delete(Path.Combine(scratch.FullName, "step-00000018", "config.json"));
        Directory.Move(scratch.File("step-00000018"), scratch.File("step-00000019"));
        using var first = new ScratchFolder();
        RunOptions.CancelAt(_ml, 6, RunOptions.In(first.FullName));
        Directory.Move(first.File("step-00000006"), scratch.File("step-00000006"));

        Action<ReversibleLmTrainer.Options> once = o => (o.CheckpointsKept, o.DamagedCheckpoint) = (1, DamagedCheckpoint.UsePrevious);
        RunOptions.CancelAt(_ml, 9, RunOptions.In(scratch.FullName, once));
        using ReversibleLmTransformer resumed = Corpus.Train(_ml, RunOptions.In(scratch.FullName, once));
        Assert.AreEqual(9, resumed.Metrics!.ResumedFrom);
        RunOptions.AssertSame(whole, resumed);
    }

    [TestMethod]
    public void ADamagedBestCheckpointIsToldWithTheWayOut()
    {
        using var scratch = new ScratchFolder();
        using (Corpus.Train(_ml, Options(false))) { }
        // Evaluations of random letters get worse; here the best is made to lie before the last.
        string last = scratch.File("step-00000020"), state = Path.Combine(last, "training.json");
        TestFolders.ChangeJson(state, json => json["Best"]!["Step"] = 15);
        File.Delete(Path.Combine(last, "checksums.sha256"));
        Microsoft.ML.Reversible.Training.Checksums.Write(last);
        var e = Assert.ThrowsExactly<InvalidDataException>(() => Corpus.Train(_ml, Options(true)));
        StringAssert.Contains(e.Message, "ReturnBest");
        using (Corpus.Train(_ml, Options(false))) { }

        Action<ReversibleLmTrainer.Options> Options(bool best) =>
            RunOptions.In(scratch.FullName, o => (o.ReturnBest, o.CheckpointsKept) = (best, 1));
    }

    private static object[] Change(string named, Action<ReversibleLmTrainer.Options> change) => [named, change];

    private sealed class Counter(Action action) : IProgress<TokenizationProgress>
    {
        public void Report(TokenizationProgress value) => action();
    }
}
