using System.IO.Compression;
using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Tests.Storage;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Language;

[TestClass]
public sealed class LanguageModelScoringEstimatorTests
{
    private static readonly MLContext Ml = new(seed: 1);
    private static readonly string[] Texts = ["the red fox", "", "dog the over jumps", "the red fox number 7 jumps over the blue dog"];
    private static ReversibleLmTransformer _model = null!;

    [ClassInitialize]
    public static void Train(TestContext _) => _model = Corpus.Train(Ml, o => o.MaxSteps = 50);

    [ClassCleanup]
    public static void Free() => _model.Dispose();

    [TestMethod]
    public void TheColumnsThatAreAskedForAreAddedAsPromised()
    {
        AssertColumns(new(), ("LogLikelihood", NumberDataViewType.Single), ("TokenCount", NumberDataViewType.Int32),
            ("Perplexity", NumberDataViewType.Single));
        AssertColumns(
            new()
            {
                LogLikelihoodColumnName = null, TokenCountColumnName = "N", TokenCountKind = DataKind.Single, PerplexityColumnName = null,
                EmbeddingColumnName = "E",
            },
            ("N", NumberDataViewType.Single), ("E", new VectorDataViewType(NumberDataViewType.Single, 32)));
    }

    [TestMethod]
    [DataRow(EmbeddingPooling.Mean)]
    [DataRow(EmbeddingPooling.Last)]
    public void AnEmbeddingIsTheFinalNormsOutputPooledOverTheTextsTokens(EmbeddingPooling pooling)
    {
        // The context has 16 tokens, a byte each.
        string[] texts = ["", "a", "fox", "fifteen letters", "sixteen letters!", "seventeen letters", new string('x', 40)];
        Embedded[] rows = Rows(new() { EmbeddingColumnName = "Embedding", EmbeddingPooling = pooling }, texts);
        for (int i = 0; i < texts.Length; i++)
        {
            float[] expected = Expected(texts[i], pooling);
            for (int k = 0; k < expected.Length; k++) Assert.AreEqual(expected[k], rows[i].Embedding[k], 1e-4f, $"'{texts[i]}', {k}");
        }
    }

    [TestMethod]
    public void LogLikelihoodsAreTheSameWithAnEmbeddingBesideThem()
    {
        string[] texts = [.. Texts, new string('x', 40)];
        Embedded[] rows = Rows(new() { EmbeddingColumnName = "Embedding" }, texts);
        Corpus.ScoredRow[] plain = Corpus.Scores(Ml, _model, texts);
        for (int i = 0; i < texts.Length; i++)
        {
            Assert.AreEqual(plain[i].LogLikelihood, rows[i].LogLikelihood, 1e-5f * Math.Abs(plain[i].LogLikelihood));
            Assert.AreEqual(plain[i].TokenCount, rows[i].TokenCount);
        }
    }

    [TestMethod]
    public void EmptyAndMissingTextsHaveFiniteValues()
    {
        foreach (EmbeddingPooling pooling in Enum.GetValues<EmbeddingPooling>())
        {
            Embedded[] rows = Rows(new() { EmbeddingColumnName = "Embedding", EmbeddingPooling = pooling }, "", null!);
            foreach (Embedded row in rows)
            {
                Assert.AreEqual((0f, 0, 1f), (row.LogLikelihood, row.TokenCount, row.Perplexity));
                Assert.IsTrue(row.Embedding.All(float.IsFinite) && row.Embedding.Any(value => value != 0));
            }
        }
    }

    [TestMethod]
    public void RowsOfAnyLengthInAnyOrderGetTheValuesThatTheyGetAlone()
    {
        var random = new Random(3);
        string[] texts = [.. Enumerable.Range(0, 300).Select(i => Corpus.Rows[i % 200][..random.Next(0, 40)])];
        var options = new LanguageModelScoringEstimator.Options { EmbeddingColumnName = "Embedding" };
        Embedded[] together = Rows(options, texts);
        using var engine = Ml.Model.CreatePredictionEngine<Corpus.Row, Embedded>(
            Ml.Reversible().ApplyLanguageModel(_model, options).Fit(Corpus.View(Ml, "a")));
        for (int i = 0; i < texts.Length; i++)
        {
            Embedded alone = engine.Predict(new Corpus.Row { Text = texts[i] });
            Assert.AreEqual(alone.LogLikelihood, together[i].LogLikelihood, 1e-5f * Math.Max(1, Math.Abs(alone.LogLikelihood)));
            Assert.AreEqual(alone.TokenCount, together[i].TokenCount);
            for (int k = 0; k < alone.Embedding.Length; k++) Assert.AreEqual(alone.Embedding[k], together[i].Embedding[k], 1e-5f);
        }
    }

    [TestMethod]
    public void ItComposesWithAClassifierAndCrossValidates()
    {
        IDataView data = Labelled();
        var pipeline = Ml.Reversible().ApplyLanguageModel(_model, FeatureOptions)
            .Append(Ml.Transforms.Concatenate("Features", "LogLikelihood", "TokenCount", "Perplexity", "Embedding"))
            .Append(Ml.Transforms.NormalizeMinMax("Features"))
            .Append(Ml.BinaryClassification.Trainers.SdcaLogisticRegression());
        TrainCatalogBase.CrossValidationResult<CalibratedBinaryClassificationMetrics>[] folds =
            [.. Ml.BinaryClassification.CrossValidate(data, pipeline, numberOfFolds: 2)];
        Assert.IsTrue(folds.All(fold => fold.Metrics.Accuracy > 0.9), string.Join(", ", folds.Select(fold => fold.Metrics.Accuracy)));
    }

    [TestMethod]
    public void APipelineIsSavedWithItsColumnsAndItsModelOnce()
    {
        using var scratch = new ScratchFolder();
        IDataView data = Labelled();
        var first = Ml.Reversible().ApplyLanguageModel(_model, FeatureOptions);
        var second = Ml.Reversible().ApplyLanguageModel(_model, new LanguageModelScoringEstimator.Options
        {
            LogLikelihoodColumnName = "Other", TokenCountColumnName = null, PerplexityColumnName = null,
        });
        ITransformer fitted = first.Append(second).Fit(data);
        Ml.Reversible().Save(fitted, data.Schema, scratch.File("m.zip"));
        using (ZipArchive zip = ZipFile.OpenRead(scratch.File("m.zip")))
            Assert.AreEqual(1, zip.Entries.Count(entry => entry.Name == "model.safetensors"));
        var loaded = Ml.Reversible().Load(scratch.File("m.zip"), out _);
        CollectionAssert.AreEqual(
            fitted.Transform(data).Schema.Select(c => (c.Name, c.Type)).ToArray(),
            loaded.Transform(data).Schema.Select(c => (c.Name, c.Type)).ToArray());
        CollectionAssert.AreEqual(
            fitted.Transform(data).GetColumn<float>("Other").ToArray(), loaded.Transform(data).GetColumn<float>("Other").ToArray());
        CollectionAssert.AreEqual(
            fitted.Transform(data).GetColumn<float[]>("Embedding").SelectMany(value => value).ToArray(),
            loaded.Transform(data).GetColumn<float[]>("Embedding").SelectMany(value => value).ToArray());
        (loaded as IDisposable)?.Dispose();
    }

    [TestMethod]
    public void MLNetsOwnZipKeepsTheColumnsAndRefusesEmbeddings()
    {
        using var scratch = new ScratchFolder();
        IDataView data = Corpus.View(Ml, Texts);
        var options = new LanguageModelScoringEstimator.Options { TokenCountKind = DataKind.Single, LogLikelihoodColumnName = null };
        ITransformer fitted = Ml.Reversible().ApplyLanguageModel(_model, options).Fit(data);
        Ml.Model.Save(fitted, data.Schema, scratch.File("m.zip"));
        IDataView loaded = Ml.Model.Load(scratch.File("m.zip"), out _).Transform(data), rehydrated =
            Ml.Reversible().Rehydrate(Ml.Model.Load(scratch.File("m.zip"), out _)).Transform(data);
        foreach (IDataView view in new[] { loaded, rehydrated })
        {
            Assert.IsNull(view.Schema.GetColumnOrNull("LogLikelihood"));
            CollectionAssert.AreEqual(new[] { 11f, 0, 18, 44 }, view.GetColumn<float>("TokenCount").ToArray());
            Assert.AreEqual(1f, view.GetColumn<float>("Perplexity").ElementAt(1));
        }

        ITransformer embedding = Ml.Reversible().ApplyLanguageModel(_model, embeddingColumnName: "E").Fit(data);
        StringAssert.Contains(
            Assert.ThrowsExactly<NotSupportedException>(() => Ml.Model.Save(embedding, data.Schema, scratch.File("e.zip"))).Message,
            "mlContext.Reversible().Save");
    }

    [TestMethod]
    public void DisposingATransformerLeavesTheModel()
    {
        ReversibleLmTransformer applied = Ml.Reversible().ApplyLanguageModel(_model).Fit(Corpus.View(Ml, Texts));
        applied.Dispose();
        Assert.AreEqual(4, Corpus.Scores(Ml, _model, "text").Single().TokenCount);
        StringAssert.StartsWith(applied.Generate("the", maxTokens: 1), "the");
    }

    [TestMethod]
    public void OptionsOutOfRangeAreRefusedByName()
    {
        AssertRefused("TextColumnName", o => o.TextColumnName = " ");
        AssertRefused("PerplexityColumnName", o => o.PerplexityColumnName = "");
        AssertRefused("'Perplexity' occurs twice", o => o.LogLikelihoodColumnName = "Perplexity");
        AssertRefused("TokenCountKind", o => o.TokenCountKind = DataKind.Double);
        AssertRefused("EmbeddingPooling", o => o.EmbeddingPooling = (EmbeddingPooling)9);
        AssertRefused(
            "EmbeddingColumnName", o => (o.LogLikelihoodColumnName, o.TokenCountColumnName, o.PerplexityColumnName) = (null, null, null));
        Assert.ThrowsExactly<ArgumentNullException>(() => Ml.Reversible().ApplyLanguageModel(null!));
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentOutOfRangeException>(
                () => Ml.Reversible().ApplyLanguageModel(_model, "Missing").Fit(Corpus.View(Ml, "a"))).Message,
            "'Missing'");
    }

    [TestMethod]
    public void AnEmbeddingOfAModelWithDamagedWeightsIsRefused()
    {
        using ReversibleLmTransformer damaged = Corpus.Train(Ml, o => o.MaxSteps = 1);
        using (no_grad()) damaged.Network.parameters().First(weight => weight.Dimensions == 1).fill_(float.NaN);
        var options = new LanguageModelScoringEstimator.Options
        {
            LogLikelihoodColumnName = null, PerplexityColumnName = null, EmbeddingColumnName = "E",
        };
        IDataView data = Corpus.View(Ml, Texts);
        IDataView view = Ml.Reversible().ApplyLanguageModel(damaged, options).Fit(data).Transform(data);
        StringAssert.Contains(
            Assert.ThrowsExactly<InvalidOperationException>(() => view.GetColumn<float[]>("E").First()).Message, "hidden states");
    }

    [TestMethod]
    public void AnIdOutsideTheVocabularyIsNamedAsItIsInTheColumn()
    {
        AssertNamed(Ml.Data.LoadFromEnumerable([new { Text = new[] { 1, -5 } }]), "The id -5 ");
        AssertNamed(Ml.Data.LoadFromEnumerable([new { Text = new[] { 1u, 4_000_000_000u } }]), "The id 4000000000 ");

        static void AssertNamed(IDataView data, string named) => StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Ml.Reversible().ApplyLanguageModel(_model).Fit(data).Transform(data)
                .GetColumn<float>("LogLikelihood").First()).Message,
            named);
    }

    [TestMethod]
    public void EmbeddingsLeaveNoTensors()
    {
        var options = new LanguageModelScoringEstimator.Options { EmbeddingColumnName = "Embedding" };
        Rows(options, Texts);
        long before = TestModels.LiveTensors();
        Rows(options, Texts);
        Assert.IsLessThanOrEqualTo(before, TestModels.LiveTensors());
    }

    private static LanguageModelScoringEstimator.Options FeatureOptions =>
        new() { TokenCountKind = DataKind.Single, EmbeddingColumnName = "Embedding" };

    /// <summary>Rows in the language of the model, and the same rows reversed.</summary>
    private static IDataView Labelled() => Ml.Data.LoadFromEnumerable(Corpus.Rows.Take(60).Select((text, i) => i % 2 == 0
        ? new LabelledRow { Text = text, Label = true }
        : new LabelledRow { Text = new string([.. text.Reverse()]), Label = false }));

    private static Embedded[] Rows(LanguageModelScoringEstimator.Options options, params string[] texts)
    {
        IDataView data = Corpus.View(Ml, texts);
        return
        [
            .. Ml.Data.CreateEnumerable<Embedded>(
                Ml.Reversible().ApplyLanguageModel(_model, options).Fit(data).Transform(data), reuseRowObject: false),
        ];
    }

    /// <summary>Returns an embedding computed window by window: consecutive windows, the last one full.</summary>
    private static float[] Expected(string text, EmbeddingPooling pooling)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        long[] ids = [_model.Model.PrefixId, .. _model.Model.Tokenizer.Encode(text).Select(id => (long)id)];
        int context = _model.Configuration.ContextLength;
        var states = new List<Tensor>();
        for (int done = 0; done < ids.Length; done += context)
        {
            int end = Math.Min(ids.Length, done + context), start = Math.Max(0, end - context);
            LanguageNetwork network = _model.Network;
            Tensor window = network.FinalNorm(network.Stack.Evaluate(network.Embed(tensor(ids[start..end], [1, end - start]))))[0];
            states.Add(window.narrow(0, done - start, end - done));
        }
        Tensor all = cat(states, 0), own = ids.Length == 1 ? all : all.narrow(0, 1, ids.Length - 1);
        return (pooling == EmbeddingPooling.Last ? own[own.shape[0] - 1] : own.mean([0L])).data<float>().ToArray();
    }

    private static void AssertColumns(LanguageModelScoringEstimator.Options options, params (string Name, DataViewType Type)[] expected)
    {
        IDataView data = Corpus.View(Ml, Texts);
        LanguageModelScoringEstimator estimator = Ml.Reversible().ApplyLanguageModel(_model, options);
        ReversibleLmTransformer fitted = estimator.Fit(data);
        IDataView view = fitted.Transform(data);
        CollectionAssert.AreEqual(expected, view.Schema.Skip(1).Select(c => (c.Name, c.Type)).ToArray());
        CollectionAssert.AreEqual(expected, fitted.GetOutputSchema(data.Schema).Skip(1).Select(c => (c.Name, c.Type)).ToArray());
        SchemaShape shape = estimator.GetOutputSchema(Microsoft.ML.Reversible.MLNet.SchemaShapes.From(data.Schema));
        CollectionAssert.AreEqual(
            expected.Select(column => (column.Name, column.Type is VectorDataViewType)).ToArray(),
            shape.Skip(1).Select(c => (c.Name, c.Kind == SchemaShape.Column.VectorKind.Vector)).ToArray());
    }

    private static void AssertRefused(string named, Action<LanguageModelScoringEstimator.Options> change)
    {
        var options = new LanguageModelScoringEstimator.Options();
        change(options);
        try
        {
            Ml.Reversible().ApplyLanguageModel(_model, options);
        }
        catch (ArgumentException e)
        {
            StringAssert.Contains(e.Message, named);
            return;
        }
        Assert.Fail($"{named} was not refused.");
    }

    private sealed class Embedded
    {
        public float LogLikelihood { get; set; }

        public int TokenCount { get; set; }

        public float Perplexity { get; set; }

        [VectorType(32)]
        public float[] Embedding { get; set; } = [];
    }

    private sealed class LabelledRow
    {
        public string Text { get; set; } = "";

        public bool Label { get; set; }
    }
}
