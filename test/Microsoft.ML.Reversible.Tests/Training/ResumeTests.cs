using Microsoft.ML.Reversible.Tests.Storage;

namespace Microsoft.ML.Reversible.Tests.Training;

[TestClass]
public sealed class ResumeTests
{
    private readonly MLContext _ml = new(seed: 1) { FallbackToCpu = false };

    public static IEnumerable<object[]> Runs =>
    [
        ["residual", Set(_ => { })],
        ["midpoint", Set(_ => { })],
        ["midpoint, exact", Set(o => (o.Scheme, o.Arithmetic) = (Scheme.Midpoint, Arithmetic.Exact))],
        ["BDIA, whose signs are drawn", Set(o => o.Scheme = Scheme.Bdia)],
        ["midpoint-a, whose factors are drawn", Set(o => o.Scheme = Scheme.MidpointA)],
        ["Llama", Set(o => (o.Family, o.Scheme, o.TiedHead) = (ModelFamily.Llama, Scheme.Leapfrog, false))],
        ["accumulation and smoothing", Set(o => (o.GradientAccumulationSteps, o.LabelSmoothing) = (3, 0.1))],
        [
            "optimizer inside the backward pass",
            Set(o => (o.OptimizerPlacement, o.ClipWithPreviousNorm) = (OptimizerPlacement.InsideBackward, true)),
        ],
        ["dropout", Set(o => (o.Dropout, o.AttentionDropout, o.GradientAccumulationSteps) = (0.1, 0.2, 2))],
        ["layers kept", Set(o => o.KeptLayerCount = 1)],
        ["bfloat16", Set(o => o.Precision = Precision.BFloat16)],
        ["documents respected", Set(o => o.DocumentBoundaries = DocumentBoundaries.Respect)],
        ["documents respected, accumulated",
            Set(o => (o.DocumentBoundaries, o.GradientAccumulationSteps) = (DocumentBoundaries.Respect, 3))],
        ["nothing held out",
            Set(o => (o.ValidationFraction, o.EvaluationInterval) = (0, new ReversibleLmTrainer.Options().EvaluationInterval))],
        ["a learned vocabulary", Set(o => (o.Tokenization, o.VocabularySize) = (TextTokenization.Bpe, 280))],
    ];

    [TestMethod]
    [DynamicData(nameof(Runs))]
    public void ACancelledRunGoesOnToTheBit(string name, Action<ReversibleLmTrainer.Options> change)
    {
        using var scratch = new ScratchFolder();
        using ReversibleLmTransformer whole = Corpus.Train(_ml, Options(change, null));
        foreach (int step in new[] { 1, 8, 13 })
        {
            using var source = new CancellationTokenSource();
            Assert.ThrowsExactly<OperationCanceledException>(() => Corpus.Train(_ml, Options(change, scratch.FullName, step, source)));
        }
        using ReversibleLmTransformer resumed = Corpus.Train(_ml, Options(change, scratch.FullName));

        Assert.AreEqual(13, resumed.Metrics!.ResumedFrom, name);
        RunOptions.AssertSame(whole, resumed);
    }

    [TestMethod]
    public void ARunThatIsThroughGivesItsModelAgain()
    {
        using var scratch = new ScratchFolder();
        using ReversibleLmTransformer first = Corpus.Train(_ml, Options(_ => { }, scratch.FullName));
        using ReversibleLmTransformer again = Corpus.Train(_ml, Options(_ => { }, scratch.FullName));
        Assert.AreEqual(20, again.Metrics!.ResumedFrom);
        RunOptions.AssertSame(first, again);
    }

    [TestMethod]
    public void ACancelledEvaluationIsMadeUpFor()
    {
        using var scratch = new ScratchFolder();
        using ReversibleLmTransformer whole = Corpus.Train(_ml, Options(_ => { }, null));
        using var source = new CancellationTokenSource();
        // The report of step 14 comes before the evaluation at 15, whose batches then see the cancelled token.
        Assert.ThrowsExactly<OperationCanceledException>(
            () => Corpus.Train(_ml, Options(o => o.EvaluationInterval = 5, scratch.FullName, 14, source)));
        using ReversibleLmTransformer resumed = Corpus.Train(_ml, Options(_ => { }, scratch.FullName));
        RunOptions.AssertSame(whole, resumed);
    }

    [TestMethod]
    public void ADamagedCheckpointIsRefusedAndTheOneBeforeIsTakenWhenAsked()
    {
        using var scratch = new ScratchFolder();
        using ReversibleLmTransformer whole = Corpus.Train(_ml, Options(o => o.CheckpointInterval = 6, scratch.FullName));
        string last = Path.Combine(scratch.FullName, "step-00000020");
        foreach (string file in Directory.GetFiles(last))
        {
            byte[] content = File.ReadAllBytes(file);
            File.WriteAllBytes(file, content[..(content.Length / 2)]);
            var e = Assert.ThrowsExactly<InvalidDataException>(
                () => Corpus.Train(_ml, Options(o => o.CheckpointInterval = 6, scratch.FullName)));
            StringAssert.Contains(e.Message, last);
            StringAssert.Contains(e.Message, "UsePrevious");
            File.WriteAllBytes(file, content);
        }

        File.Delete(Path.Combine(last, "training.json"));
        using ReversibleLmTransformer resumed = Corpus.Train(
            _ml, Options(o => (o.CheckpointInterval, o.DamagedCheckpoint) = (6, DamagedCheckpoint.UsePrevious), scratch.FullName));
        Assert.AreEqual(18, resumed.Metrics!.ResumedFrom);
        RunOptions.AssertSame(whole, resumed);
    }

    [TestMethod]
    public void AnotherRunIsRefusedWithWhatDiffers()
    {
        using var scratch = new ScratchFolder();
        using (Corpus.Train(_ml, Options(_ => { }, scratch.FullName))) { }
        var e = Assert.ThrowsExactly<InvalidOperationException>(
            () => Corpus.Train(_ml, Options(o => (o.LearningRate, o.BatchSize, o.Seed) = (0.25, 3, 2), scratch.FullName)));
        StringAssert.Contains(e.Message, "LearningRate was 0.005 and is now 0.25");
        StringAssert.Contains(e.Message, "BatchSize was 4 and is now 3");
        StringAssert.Contains(e.Message, "Seed was 1 and is now 2");

        ReversibleLmTrainer.Options options = Corpus.QuickOptions;
        Options(_ => { }, scratch.FullName)(options);
        e = Assert.ThrowsExactly<InvalidOperationException>(
            () => _ml.Reversible().LanguageModel(options).Fit(Corpus.View(_ml, [.. Corpus.Rows, "one more row"])));
        StringAssert.Contains(e.Message, "training data has changed");
    }

    [TestMethod]
    public void WithoutASeedTheCheckpointsSeedGoesOn()
    {
        using var scratch = new ScratchFolder();
        using ReversibleLmTransformer first = Corpus.Train(_ml, Options(o => o.Seed = null, scratch.FullName));
        using ReversibleLmTransformer again = Corpus.Train(new MLContext(seed: 99), Options(o => o.Seed = null, scratch.FullName));
        RunOptions.AssertSame(first, again);
    }

    [TestMethod]
    public void NeverRefusesCheckpointsAndRequiredTheirLack()
    {
        using var scratch = new ScratchFolder();
        StringAssert.Contains(
            Assert.ThrowsExactly<InvalidOperationException>(
                () => Corpus.Train(_ml, Options(o => o.Resume = ResumeMode.Required, scratch.FullName))).Message,
            "Required");
        using (Corpus.Train(_ml, Options(o => o.Resume = ResumeMode.Never, scratch.FullName))) { }
        StringAssert.Contains(
            Assert.ThrowsExactly<InvalidOperationException>(
                () => Corpus.Train(_ml, Options(o => o.Resume = ResumeMode.Never, scratch.FullName))).Message,
            "Never");
    }

    [TestMethod]
    public void ACheckpointIsAPretrainedFolder()
    {
        using var scratch = new ScratchFolder();
        using ReversibleLmTransformer model = Corpus.Train(_ml, Options(_ => { }, scratch.FullName));
        using ReversibleLmTransformer loaded = _ml.Reversible().LoadPretrained(Path.Combine(scratch.FullName, "step-00000020"));
        Assert.IsTrue(model.Network.parameters().Zip(loaded.Network.parameters(), TestModels.SameBits).All(same => same));
        Assert.AreEqual(
            Corpus.Scores(_ml, model, "the red fox")[0].LogLikelihood, Corpus.Scores(_ml, loaded, "the red fox")[0].LogLikelihood);
    }

    [TestMethod]
    public void ResumingLeavesNoTensors()
    {
        using var scratch = new ScratchFolder();
        using (Corpus.Train(_ml, Options(_ => { }, scratch.FullName))) { }
        long before = TestModels.LiveTensors();
        using (Corpus.Train(_ml, Options(_ => { }, scratch.FullName))) { }
        Assert.ThrowsExactly<InvalidOperationException>(() => Corpus.Train(_ml, Options(o => o.BatchSize = 3, scratch.FullName)));
        Assert.IsLessThanOrEqualTo(before, TestModels.LiveTensors());
    }

    private static Action<ReversibleLmTrainer.Options> Set(Action<ReversibleLmTrainer.Options> change) => change;

    private static Action<ReversibleLmTrainer.Options> Options(
        Action<ReversibleLmTrainer.Options> change, string? folder, int cancelAt = 0, CancellationTokenSource? source = null) =>
        RunOptions.In(folder, o =>
        {
            if (source is not null) (o.Progress, o.CancellationToken) = (RunOptions.At(cancelAt, source.Cancel), source.Token);
            change(o);
        });
}
