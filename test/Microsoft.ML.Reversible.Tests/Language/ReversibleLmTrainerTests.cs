using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Language;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Language;

[TestClass]
public sealed class ReversibleLmTrainerTests
{
    private readonly MLContext _ml = new(seed: 1) { FallbackToCpu = false };

    [TestMethod]
    [DataRow(TextTokenization.Byte)]
    [DataRow(TextTokenization.Character)]
    [DataRow(TextTokenization.Bpe)]
    public void FitLearnsTheText(TextTokenization tokenization)
    {
        using ReversibleLmTransformer model = Corpus.Train(_ml, o =>
        {
            o.Tokenization = tokenization;
            if (tokenization == TextTokenization.Bpe) o.VocabularySize = 280;
            o.MaxSteps = 150;
        });
        double first = model.Metrics!.History[0].Loss, last = model.Metrics.TrainingLoss, validation = model.Metrics.ValidationLoss!.Value;
        Assert.AreEqual(Math.Log(model.Configuration.VocabularySize), first, 0.3, "a fresh model knows nothing");
        Assert.IsLessThan(first / 2, last);
        Assert.IsLessThan(first / 2, validation);
    }

    [TestMethod]
    [DataRow("midpoint")]
    [DataRow("residual")]
    public void TwoRunsWithOneSeedAgreeToTheBit(string scheme)
    {
        using ReversibleLmTransformer a = Train(1), b = Train(1), c = Train(2);
        CollectionAssert.AreEqual(Losses(a), Losses(b));
        Assert.IsTrue(a.Network.parameters().Zip(b.Network.parameters(), TestModels.SameBits).All(same => same));
        CollectionAssert.AreNotEqual(Losses(a), Losses(c));

        ReversibleLmTransformer Train(int seed) =>
            Corpus.Train(_ml, o => (o.Scheme, o.Seed, o.ReportInterval) = (Scheme.Parse(scheme), seed, 1));

        static double[] Losses(ReversibleLmTransformer model) => [.. model.Metrics!.History.Select(p => p.Loss)];
    }

    [TestMethod]
    public void WithoutASeedTheContextsSeedDecides()
    {
        double loss = Loss(new MLContext(seed: 7));
        Assert.AreEqual(loss, Loss(new MLContext(seed: 7)));
        Assert.AreNotEqual(loss, Loss(new MLContext(seed: 8)));

        static double Loss(MLContext ml)
        {
            using ReversibleLmTransformer model = Corpus.Train(ml, o => o.Seed = null);
            return model.Metrics!.TrainingLoss;
        }
    }

    [TestMethod]
    public void AccumulatedBatchesAreOneLargeBatch()
    {
        using ReversibleLmTransformer whole = Corpus.Train(_ml, o => (o.BatchSize, o.MaxSteps, o.ReportInterval) = (8, 5, 1));
        using ReversibleLmTransformer parts = Corpus.Train(
            _ml, o => (o.BatchSize, o.MaxSteps, o.ReportInterval, o.GradientAccumulationSteps) = (2, 5, 1, 4));
        foreach (var (a, b) in whole.Metrics!.History.Zip(parts.Metrics!.History))
        {
            Assert.AreEqual(a.Loss, b.Loss, 1e-4);
            Assert.AreEqual(a.GradNorm, b.GradNorm, 1e-3);
        }
    }

    [TestMethod]
    public void MidpointTrainsAlikeInBothBackwardModes()
    {
        using ReversibleLmTransformer stored = Corpus.Train(_ml, o => (o.BackwardMode, o.ReportInterval) = (BackwardMode.Stored, 1));
        using ReversibleLmTransformer reversible = Corpus.Train(
            _ml, o => (o.BackwardMode, o.ReportInterval) = (BackwardMode.Reversible, 1));
        foreach (var (a, b) in stored.Metrics!.History.Zip(reversible.Metrics!.History)) Assert.AreEqual(a.Loss, b.Loss, 1e-3);
    }

    [TestMethod]
    public void ProgressIsReportedAtTheIntervalAndTheChannelHearsIt()
    {
        var reports = new List<TrainingProgress>();
        var messages = new List<string>();
        var ml = new MLContext(seed: 1);
        ml.Log += (_, e) => messages.Add(e.Message);
        using ReversibleLmTransformer model = Corpus.Train(
            ml, o => (o.ReportInterval, o.EvaluationInterval, o.Progress) = (5, 15, new Collector(reports)));
        CollectionAssert.AreEqual(new[] { 1, 5, 10, 15, 20 }, reports.Select(p => p.Step).ToArray());
        CollectionAssert.AreEqual(new[] { 15, 20 }, reports.Where(p => p.ValidationLoss is not null).Select(p => p.Step).ToArray());
        Assert.AreEqual(20 * 4 * 16, reports[^1].UnitCount);
        Assert.IsTrue(messages.Any(m => m.Contains("step 20/20") && m.Contains(nameof(ReversibleLmTrainer))), string.Join('\n', messages));
        CollectionAssert.AreEqual(reports, model.Metrics!.History.ToArray());
    }

    [TestMethod]
    public void CancellingInTheMiddleThrowsAndLeavesNoTensors()
    {
        using (Corpus.Train(_ml)) { }
        long before = TestModels.LiveTensors();
        using var source = new CancellationTokenSource();
        var cancelAtTen = new Collector([]) { After = p => { if (p.Step == 10) source.Cancel(); } };
        Assert.ThrowsExactly<OperationCanceledException>(
            () => Corpus.Train(_ml, o => (o.ReportInterval, o.Progress, o.CancellationToken) = (1, cancelAtTen, source.Token)));
        Assert.IsLessThanOrEqualTo(before, TestModels.LiveTensors());
    }

    [TestMethod]
    public void NoTensorOutlivesFitBeyondTheModel()
    {
        using (Corpus.Train(_ml)) { }
        long before = TestModels.LiveTensors();
        ReversibleLmTransformer model = Corpus.Train(_ml);
        Assert.IsLessThanOrEqualTo(before + model.Network.parameters().Count() + 1, TestModels.LiveTensors());
        model.Dispose();
        model.Dispose();
        Assert.IsLessThanOrEqualTo(before, TestModels.LiveTensors());
    }

    /// <summary>200 steps and 1,000 evaluations, with every scheme.</summary>
    [TestMethod]
    [DynamicData(nameof(Schemes))]
    public void StepsAndEvaluationsLeaveNoTensors(Scheme scheme)
    {
        GptConfiguration shape = TestModels.Small with { LayerCount = 2, Width = 8 };
        Arithmetic arithmetic = scheme.DefaultArithmetic;
        using LanguageNetwork model = TestModels.Make(shape, scheme, scheme.DefaultBackwardMode(arithmetic), arithmetic: arithmetic);
        using Tensor ids = TestModels.Ids(shape, 2, 4), targets = TestModels.Ids(shape, 2, 4, seed: 6).flatten();
        Step();
        long before = TestModels.LiveTensors();
        for (int i = 0; i < 200; i++) Step();
        for (int i = 0; i < 1000; i++) LanguageModelLoss.LogLikelihood(model, ids, targets).Dispose();
        Assert.IsLessThanOrEqualTo(before, TestModels.LiveTensors());

        void Step()
        {
            using var scope = NewDisposeScope();
            LanguageModelLoss.Differentiate(model, ids, targets, new(1.0 / 8));
        }
    }

    public static IEnumerable<object[]> Schemes => Scheme.All.Select(scheme => new object[] { scheme });

    [TestMethod]
    public void FitWorksInsideAChainAndPromisesItsColumns()
    {
        IDataView data = Corpus.View(_ml, Corpus.Rows);
        var chain = _ml.Transforms.CopyColumns("Content", "Text")
            .Append(_ml.Reversible().LanguageModel(With(o => o.TextColumnName = "Content")))
            .Append(_ml.Transforms.CopyColumns("Surprise", "Perplexity"));
        var model = chain.Fit(data);
        DataViewSchema schema = model.Transform(data).Schema;
        CollectionAssert.IsSubsetOf(
            new[] { "Text", "Content", "LogLikelihood", "TokenCount", "Perplexity", "Surprise" },
            schema.Select(c => c.Name).ToArray());
        model.Dispose();
    }

    private static ReversibleLmTrainer.Options With(Action<ReversibleLmTrainer.Options> change)
    {
        ReversibleLmTrainer.Options options = Corpus.QuickOptions;
        change(options);
        return options;
    }

    private sealed class Collector(List<TrainingProgress> reports) : IProgress<TrainingProgress>
    {
        public Action<TrainingProgress>? After { get; init; }

        public void Report(TrainingProgress value)
        {
            reports.Add(value);
            After?.Invoke(value);
        }
    }
}
