using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Tests.Storage;

namespace Microsoft.ML.Reversible.Tests.Evaluation;

[TestClass]
public sealed class ZeroShotZipTests
{
    private static readonly MLContext Ml = new(seed: 1);
    private ScratchFolder _folder = null!;

    /// <summary>A row to train on that is a question too.</summary>
    internal sealed class Row
    {
        public string Text { get; set; } = "";

        public string goal { get; set; } = "";

        public string sol1 { get; set; } = "";

        public string sol2 { get; set; } = "";

        public int label { get; set; }
    }

    private string Zip => _folder.File("model.zip");

    [TestInitialize]
    public void Begin() => _folder = new ScratchFolder();

    [TestCleanup]
    public void End() => _folder.Dispose();

    [TestMethod]
    public void AChainTrainsScoresEvaluatesAndIsSavedWithOneModel()
    {
        IDataView data = Data();
        using TransformerChain<ZeroShotTransformer> chain = Ml.Reversible().LanguageModel(Corpus.QuickOptions)
            .Append(Ml.Reversible().ZeroShot(ZeroShotTasks.Piqa)).Fit(data);
        IDataView scored = chain.Transform(data);
        ZeroShotMetrics metrics = chain.LastTransformer.Evaluate(data);
        Assert.AreEqual(30, metrics.ItemCount);
        Assert.AreEqual(metrics.Accuracy, Share(scored), 1e-12);
        Assert.IsNotNull(scored.Schema.GetColumnOrNull("LogLikelihood"));

        Ml.Reversible().Save(chain, data.Schema, Zip);
        Assert.HasCount(1, WeightEntries());
        var context = new MLContext();
        using var loaded = (IDisposable)context.Reversible().Load(Zip, out _);
        ITransformer[] parts = [.. (IEnumerable<ITransformer>)loaded];
        Assert.AreSame(parts.OfType<ReversibleLmTransformer>().Single(), parts.OfType<ZeroShotTransformer>().Single().Source);
        AreEqual(metrics, parts.OfType<ZeroShotTransformer>().Single().Evaluate(data));
        IDataView again = ((ITransformer)loaded).Transform(data);
        CollectionAssert.AreEqual(
            scored.GetColumn<float>("LogLikelihood").ToArray(), again.GetColumn<float>("LogLikelihood").ToArray());
        AreEqual(scored, again);
    }

    [TestMethod]
    public void AnEvaluationAloneTakesItsModelAndExamplesAlong()
    {
        IDataView data = Data();
        using ReversibleLmTransformer model = Corpus.Train(Ml);
        var options = new ZeroShotEvaluator.Options { ScoreColumnName = "LL", PredictedLabelColumnName = "Answer" };
        foreach (FewShotSampling sampling in Enum.GetValues<FewShotSampling>())
        {
            ZeroShotTask task = ZeroShotTasks.Piqa.FewShot(2, data, sampling, seed: 5);
            ZeroShotTransformer live = Ml.Reversible().ZeroShot(model, task, options).Fit(data);
            Ml.Reversible().Save(live, data.Schema, Zip);
            using var loaded = (ZeroShotTransformer)new MLContext().Reversible().Load(Zip, out _);
            Assert.AreEqual(2, loaded.Task.ShotCount);
            AreEqual(live.Evaluate(data), loaded.Evaluate(data));
            CollectionAssert.AreEqual(
                live.Transform(data).GetColumn<int>("Answer").ToArray(), loaded.Transform(data).GetColumn<int>("Answer").ToArray());
        }
    }

    [TestMethod]
    public void DisposingALoadedEvaluationFreesItsModel()
    {
        using (ReversibleLmTransformer model = Corpus.Train(Ml, o => o.MaxSteps = 1))
            Ml.Reversible().Save(Ml.Reversible().ZeroShot(model, ZeroShotTasks.Piqa).Fit(Data()), null, Zip);
        ((IDisposable)Ml.Reversible().Load(Zip, out _)).Dispose();
        long before = TestModels.LiveTensors();
        var loaded = (ZeroShotTransformer)Ml.Reversible().Load(Zip, out _);
        Assert.IsGreaterThan(before, TestModels.LiveTensors());
        loaded.Dispose();
        loaded.Dispose();
        Assert.AreEqual(before, TestModels.LiveTensors());
    }

    [TestMethod]
    public void WhatCannotBeSavedSaysWhatToDo()
    {
        IDataView data = Data();
        using ReversibleLmTransformer model = Corpus.Train(Ml, o => o.MaxSteps = 1);
        ZeroShotTransformer piqa = Ml.Reversible().ZeroShot(model, ZeroShotTasks.Piqa).Fit(data);
        Refuses("mlContext.Reversible().Save", () => Ml.Model.Save(piqa, data.Schema, Zip));

        ITransformer own = Ml.Reversible().ZeroShot(model, Questions.Task()).Fit(Questions.View(Ml));
        string none = _folder.File("none.zip");
        Refuses("is a custom one", () => Ml.Reversible().Save(own, null, none));
        ITransformer other = Ml.Reversible().ZeroShot(new FakeSource((_, _) => 0), ZeroShotTasks.Piqa).Fit(data);
        Refuses(nameof(FakeSource), () => Ml.Reversible().Save(other, null, none));
        Assert.IsFalse(File.Exists(none));
    }

    [TestMethod]
    public void PlainMLNetLoadsSuchAZipAsFarAsTheSchemaAndScoringSaysWhatToDo()
    {
        IDataView data = Data();
        using ReversibleLmTransformer model = Corpus.Train(Ml, o => o.MaxSteps = 1);
        Ml.Reversible().Save(Ml.Reversible().ZeroShot(model, ZeroShotTasks.Piqa).Fit(data), data.Schema, Zip);
        ITransformer plain = new MLContext().Model.Load(Zip, out DataViewSchema schema);
        Assert.IsNotNull(schema.GetColumnOrNull("goal"));
        Exception refused = Assert.Throws<Exception>(() => plain.Transform(data).GetColumn<float>("Score").Count());
        StringAssert.Contains(refused.GetBaseException().Message, "mlContext.Reversible().Load");
        Assert.ThrowsExactly<InvalidOperationException>(() => Ml.Reversible().Rehydrate(plain));
    }

    private static void Refuses(string words, Action save) =>
        StringAssert.Contains(Assert.ThrowsExactly<NotSupportedException>(save).Message, words);

    private string[] WeightEntries()
    {
        using System.IO.Compression.ZipArchive zip = System.IO.Compression.ZipFile.OpenRead(Zip);
        return [.. zip.Entries.Select(entry => entry.FullName).Where(name => name.EndsWith(".safetensors", StringComparison.Ordinal))];
    }

    private static double Share(IDataView scored) =>
        scored.GetColumn<int>("PredictedLabel").Zip(scored.GetColumn<int>("label")).Average(pair => pair.First == pair.Second ? 1 : 0);

    private static void AreEqual(ZeroShotMetrics expected, ZeroShotMetrics actual) =>
        CollectionAssert.AreEqual(expected.Values.ToArray(), actual.Values.ToArray());

    private static void AreEqual(IDataView expected, IDataView actual)
    {
        float[][] scores = [.. expected.GetColumn<float[]>("Score")], others = [.. actual.GetColumn<float[]>("Score")];
        for (int i = 0; i < scores.Length; i++) CollectionAssert.AreEqual(scores[i], others[i]);
    }

    private static IDataView Data() => Ml.Data.LoadFromEnumerable(Corpus.Rows.Take(30).Select((text, i) => new Row
    {
        Text = text,
        goal = text[..10],
        sol1 = i % 3 == 0 ? "fox" : text[10..],
        sol2 = i % 3 == 0 ? text[10..] : "the dog",
        label = i % 2,
    }));
}
