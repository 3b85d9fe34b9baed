using System.Text.Json;
using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Tests.Storage;

namespace Microsoft.ML.Reversible.Tests.Training;

[TestClass]
public sealed class TrainingLoopTests
{
    private readonly MLContext _ml = new(seed: 1) { FallbackToCpu = false };

    private sealed class Ids
    {
        [VectorType]
        public int[] Text { get; set; } = [];
    }

    private sealed class UnsignedIds
    {
        [VectorType]
        public uint[] Text { get; set; } = [];
    }

    [TestMethod]
    public void MetricsAreLinesOfJsonWhoseStepsAppearOnceAlsoAfterAResume()
    {
        using var scratch = new ScratchFolder();
        string path = scratch.File("metrics.jsonl");
        using var source = new CancellationTokenSource();
        Assert.ThrowsExactly<OperationCanceledException>(() => Corpus.Train(_ml, o =>
        {
            Set(o);
            o.CheckpointInterval = 5;
            (o.Progress, o.CancellationToken) = (new Listener(p => { if (p.Step == 8) source.Cancel(); }), source.Token);
        }));
        File.AppendAllText(path, "{\"step\":9,\"loss\":1}\n{\"step\":1");
        using ReversibleLmTransformer model = Corpus.Train(_ml, Set);

        JsonElement[] lines = [.. File.ReadAllLines(path).Select(line => JsonDocument.Parse(line).RootElement)];
        CollectionAssert.AreEqual(Enumerable.Range(1, 20).ToArray(), lines.Select(line => line.GetProperty("step").GetInt32()).ToArray());
        foreach (var (line, progress) in lines.Zip(model.Metrics!.History))
        {
            Assert.AreEqual(progress.Loss, line.GetProperty("loss").GetDouble());
            Assert.AreEqual(progress.UnitCount, line.GetProperty("tokens").GetInt64());
            Assert.AreEqual(progress.LearningRate, line.GetProperty("learning_rate").GetDouble());
            Assert.AreEqual(progress.GradNorm, line.GetProperty("grad_norm").GetDouble());
            Assert.IsGreaterThan(0.0, line.GetProperty("tokens_per_s").GetDouble());
            Assert.IsGreaterThan(0.0, line.GetProperty("host_memory_gib").GetDouble());
            Assert.AreEqual(progress.ValidationLoss is not null, line.TryGetProperty("validation_loss", out _));
        }
        JsonElement last = lines[^1];
        Assert.AreEqual(Math.Exp(last.GetProperty("validation_loss").GetDouble()), last.GetProperty("perplexity").GetDouble(), 1e-9);

        void Set(ReversibleLmTrainer.Options o) =>
            (o.ReportInterval, o.EvaluationInterval, o.CheckpointFolder, o.MetricsPath) = (1, 10, scratch.File("run"), path);
    }

    [TestMethod]
    public void ByteTokensGiveBitsPerByteEqualToTheirLossInBits()
    {
        using ReversibleLmTransformer model = Corpus.Train(_ml);
        LanguageMetrics metrics = model.Metrics!;
        double bits = metrics.ValidationLoss!.Value / Math.Log(2);
        // End-of-text tokens are predicted too and stand for no bytes.
        Assert.IsGreaterThan(bits, metrics.ValidationBitsPerByte!.Value);
        Assert.AreEqual(bits, metrics.ValidationBitsPerByte.Value, 0.1 * bits);
    }

    [TestMethod]
    public void TheRunEndsEarlyWhenTheValidationLossFallsNoMoreAndReturnsTheBestWeights()
    {
        using var scratch = new ScratchFolder();
        string[] rows = [.. new Random(1).GetItems("abcdefghij".ToCharArray(), 4000).Chunk(20).Select(c => new string(c))];
        ReversibleLmTrainer.Options options = Corpus.QuickOptions;
        options.LearningRate = 2e-2;
        options.FinalLearningRate = 0;
        options.MaxSteps = 2000;
        options.EvaluationInterval = 10;
        options.EarlyStoppingPatience = 5;
        options.ReturnBest = true;
        options.CheckpointFolder = scratch.FullName;
        using ReversibleLmTransformer model = _ml.Reversible().LanguageModel(options).Fit(Corpus.View(_ml, rows));

        LanguageMetrics metrics = model.Metrics!;
        TrainingProgress[] evaluations = [.. metrics.History.Where(p => p.ValidationLoss is not null)];
        TrainingProgress best = evaluations[..^5].MinBy(p => p.ValidationLoss)!;
        Assert.IsTrue(metrics.StoppedEarly, "random letters cannot be learned for 2,000 steps");
        Assert.AreEqual(best.Step, evaluations[^6].Step, "five evaluations after the best one");
        Assert.AreEqual(best.Step, metrics.ModelStep);
        using ReversibleLmTransformer saved = _ml.Reversible().LoadPretrained(Path.Combine(scratch.FullName, $"step-{best.Step:D8}"));
        Assert.IsTrue(model.Network.parameters().Zip(saved.Network.parameters(), TestModels.SameBits).All(same => same));
    }

    [TestMethod]
    public void OneBatchIsLearnedByHeart()
    {
        using ReversibleLmTransformer model = Corpus.Train(
            _ml, o => (o.OverfitOneBatch, o.MaxSteps, o.BatchSize, o.ValidationFraction, o.ReportInterval) = (true, 200, 2, 0, 1));
        Assert.IsLessThan(0.05, model.Metrics!.TrainingLoss);
        Assert.IsNull(model.Metrics.ValidationLoss);
    }

    [TestMethod]
    public void StepsThatBlowUpAreSkippedAndEndTheRunWhenTheyGoOn()
    {
        var warnings = new List<string>();
        var ml = new MLContext(seed: 1);
        ml.Log += (_, e) => warnings.Add(e.Message);
        var e = Assert.ThrowsExactly<InvalidOperationException>(
            () => Corpus.Train(
                ml, o => (o.LearningRate, o.MaxGradNorm, o.MaxSkippedSteps, o.WarmupSteps, o.MaxSteps) = (1e30, 0, 3, 0, 50)));
        StringAssert.Contains(e.Message, "3 steps in a row");
        StringAssert.Contains(e.Message, "LearningRate");
        Assert.HasCount(2, warnings.Where(w => w.Contains("skipped: the norm")).ToArray());
    }

    [TestMethod]
    public void ColumnsOfTokenIdsTrainAndScoreAsTheirTextDoes()
    {
        byte[][] rows = [.. Corpus.Rows.Select(System.Text.Encoding.UTF8.GetBytes)];
        IDataView signed = _ml.Data.LoadFromEnumerable(rows.Select(r => new Ids { Text = Array.ConvertAll(r, b => (int)b) }));
        IDataView unsigned = _ml.Data.LoadFromEnumerable(rows.Select(r => new UnsignedIds { Text = Array.ConvertAll(r, b => (uint)b) }));
        using ReversibleLmTransformer ofText = Corpus.Train(_ml);
        foreach (IDataView data in new[] { signed, unsigned })
        {
            ReversibleLmTrainer.Options options = Corpus.QuickOptions;
            (options.Tokenization, options.VocabularySize, options.EndOfTextId) = (TextTokenization.Bpe, 257, 256);
            using ReversibleLmTransformer ofIds = _ml.Reversible().LanguageModel(options).Fit(data);
            Assert.IsTrue(ofText.Network.parameters().Zip(ofIds.Network.parameters(), TestModels.SameBits).All(same => same));
            float[] scores = [.. ofIds.Transform(data).GetColumn<float>("LogLikelihood")];
            CollectionAssert.AreEqual(Corpus.Scores(_ml, ofText, Corpus.Rows).Select(s => s.LogLikelihood).ToArray(), scores);
            Assert.ThrowsExactly<InvalidOperationException>(() => ofIds.Generate("text"));
        }
    }

    [TestMethod]
    public void TrainingGoesOnFromAPretrainedFolder()
    {
        using var scratch = new ScratchFolder();
        using ReversibleLmTransformer first = Corpus.Train(_ml, o => (o.MaxSteps, o.Scheme) = (100, Scheme.Leapfrog));
        first.SavePretrained(scratch.File("model"));
        using ReversibleLmTransformer second = Corpus.Train(
            _ml,
            o => (o.PretrainedFolder, o.MaxSteps, o.LearningRate, o.FinalLearningRate) = (scratch.File("model"), 5, 1e-4, 1e-4));
        Assert.AreEqual(Scheme.Leapfrog, second.Scheme);
        Assert.AreEqual(2, second.Configuration.LayerCount);
        Assert.AreEqual(first.Metrics!.TrainingLoss, second.Metrics!.History[0].Loss, 0.3);

        var e = Assert.ThrowsExactly<InvalidOperationException>(
            () => Corpus.Train(_ml, o => (o.PretrainedFolder, o.ContextLength) = (scratch.File("model"), 17)));
        StringAssert.Contains(e.Message, "ContextLength");
        Assert.ThrowsExactly<DirectoryNotFoundException>(() => Corpus.Train(_ml, o => o.PretrainedFolder = scratch.File("nowhere")));
    }

    [TestMethod]
    public void ATokenizersFilesAreUsedWherePathNamesThem()
    {
        using var scratch = new ScratchFolder();
        using ReversibleLmTransformer first = Corpus.Train(_ml, o => (o.Tokenization, o.VocabularySize) = (TextTokenization.Bpe, 300));
        first.SavePretrained(scratch.File("model"));
        using ReversibleLmTransformer second = Corpus.Train(_ml, o => o.TokenizerPath = scratch.File("model"));
        Assert.AreEqual(300, second.Configuration.VocabularySize);
        Assert.AreEqual(first.Metrics!.TrainingLoss, second.Metrics!.TrainingLoss);
    }

    [TestMethod]
    public void ATokenCacheIsMadeOnceAndUsedAgain()
    {
        using var scratch = new ScratchFolder();
        string path = scratch.File("tokens.bin");
        using (Corpus.Train(_ml, o => o.TokenCachePath = path)) { }
        byte[] made = File.ReadAllBytes(path);
        DateTime written = File.GetLastWriteTimeUtc(path);
        using (Corpus.Train(_ml, o => o.TokenCachePath = path)) { }
        Assert.AreEqual(written, File.GetLastWriteTimeUtc(path));
        using (Corpus.Train(_ml, o => (o.TokenCachePath, o.Tokenization) = (path, TextTokenization.Character))) { }
        CollectionAssert.AreNotEqual(made, File.ReadAllBytes(path));
    }

    [TestMethod]
    public void SmoothedLabelsKeepTheModelFromCertainty()
    {
        using ReversibleLmTransformer plain = Train(0), smoothed = Train(0.2);
        Assert.IsLessThan(0.05, plain.Metrics!.TrainingLoss);
        Assert.IsGreaterThan(0.5, smoothed.Metrics!.TrainingLoss);

        ReversibleLmTransformer Train(double smoothing) => Corpus.Train(
            _ml, o => (o.OverfitOneBatch, o.MaxSteps, o.BatchSize, o.LabelSmoothing) = (true, 200, 2, smoothing));
    }

    private sealed class Listener(Action<TrainingProgress> action) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => action(value);
    }
}
