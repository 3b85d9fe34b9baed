using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Tokenizers;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Language;

[TestClass]
public sealed class ReversibleLmTransformerTests
{
    private static readonly MLContext Ml = new(seed: 1);
    private static readonly string[] Texts =
        ["the red fox", "", "dog the over jumps", "é 漢字 🦊", "the red fox number 7 jumps over the blue dog and on"];
    private static ReversibleLmTransformer _model = null!;

    [ClassInitialize]
    public static void Train(TestContext _) => _model = Corpus.Train(Ml, o => o.MaxSteps = 100);

    [ClassCleanup]
    public static void Free() => _model.Dispose();

    [TestMethod]
    public void AddsThreeColumnsOfTheirTypesAsPromised()
    {
        IDataView data = Corpus.View(Ml, Texts);
        DataViewSchema delivered = _model.Transform(data).Schema, promised = _model.GetOutputSchema(data.Schema);
        CollectionAssert.AreEqual(promised.Select(c => (c.Name, c.Type)).ToArray(), delivered.Select(c => (c.Name, c.Type)).ToArray());
        Assert.AreEqual(NumberDataViewType.Single, delivered["LogLikelihood"].Type);
        Assert.AreEqual(NumberDataViewType.Int32, delivered["TokenCount"].Type);
        Assert.AreEqual(NumberDataViewType.Single, delivered["Perplexity"].Type);
    }

    [TestMethod]
    public void TheTrainerPromisesTheSchemaThatTheTransformerDelivers()
    {
        IDataView data = Corpus.View(Ml, Corpus.Rows);
        SchemaShape? promised = null;
        var probe = new ShapeProbe(shape => promised = Ml.Reversible().LanguageModel().GetOutputSchema(shape));
        probe.Append(Ml.Transforms.CopyColumns("Copy", "Text")).Fit(data);
        DataViewSchema delivered = _model.Transform(data).Schema;
        CollectionAssert.AreEquivalent(
            delivered.Select(c => (c.Name, c.Type)).ToArray(),
            promised!.Select(c => (c.Name, c.ItemType)).ToArray());
        Assert.IsTrue(promised!.All(c => c.Kind == SchemaShape.Column.VectorKind.Scalar && !c.IsKey));
    }

    [TestMethod]
    public void TheScoreIsTheSumOfTheNetworksLogProbabilities()
    {
        using var scope = NewDisposeScope();
        string text = "the red fox";
        var tokenizer = LanguageModelTokenizer.Learn([], TextTokenization.Byte, 0);
        long[] ids = [tokenizer.EndOfTextId, .. tokenizer.Encode(text).Select(id => (long)id)];
        Tensor logProbabilities = nn.functional.log_softmax(_model.Network.forward(tensor(ids[..^1], [1, ids.Length - 1]))[0], 1);
        double expected = Enumerable.Range(0, ids.Length - 1).Sum(i => logProbabilities[i, ids[i + 1]].ToDouble());

        Corpus.ScoredRow row = Corpus.Scores(Ml, _model, text).Single();
        Assert.AreEqual(expected, row.LogLikelihood, 1e-3);
        Assert.AreEqual(text.Length, row.TokenCount);
        Assert.AreEqual(Math.Exp(-expected / text.Length), row.Perplexity, 1e-2);
    }

    [TestMethod]
    public void EveryTextIsScoredAndLearnedTextIsLikelier()
    {
        Corpus.ScoredRow[] rows = Corpus.Scores(Ml, _model, Texts);
        CollectionAssert.AreEqual(Texts, rows.Select(r => r.Text).ToArray());
        Assert.AreEqual((0f, 0, 1f), (rows[1].LogLikelihood, rows[1].TokenCount, rows[1].Perplexity));
        Assert.IsLessThan(rows[2].Perplexity, rows[0].Perplexity);
        Assert.AreEqual(System.Text.Encoding.UTF8.GetByteCount(Texts[3]), rows[3].TokenCount);
        Assert.IsTrue(float.IsFinite(rows[4].LogLikelihood), "longer than the context");
    }

    [TestMethod]
    public void APredictionEngineGivesTheSameScores()
    {
        Corpus.ScoredRow[] expected = Corpus.Scores(Ml, _model, Texts);
        using var engine = Ml.Model.CreatePredictionEngine<Corpus.Row, Corpus.ScoredRow>(
            _model, new PredictionEngineOptions { OwnsTransformer = false });
        foreach (Corpus.ScoredRow row in expected)
        {
            float alone = engine.Predict(new Corpus.Row { Text = row.Text }).LogLikelihood;
            Assert.AreEqual(row.LogLikelihood, alone, 1e-5f * Math.Abs(row.LogLikelihood));
        }
    }

    [TestMethod]
    public void ComposesWithOtherTransformersAndUnknownColumns()
    {
        IDataView data = Ml.Data.LoadFromEnumerable([new WithMore { Id = 3, Text = "the fox", Weights = [1, 2] }]);
        var chain = Ml.Transforms.CopyColumns("Label", "Id").Append(Ml.Transforms.DropColumns("Weights")).Fit(data).Append(_model);
        IDataView scored = chain.Transform(data);
        CollectionAssert.AreEquivalent(
            new[] { "Id", "Text", "Label", "LogLikelihood", "TokenCount", "Perplexity" },
            scored.Schema.Where(c => !c.IsHidden).Select(c => c.Name).ToArray());
        Assert.AreEqual(3, scored.GetColumn<int>("Label").Single());
        Assert.IsLessThan(0f, scored.GetColumn<float>("LogLikelihood").Single());
    }

    [TestMethod]
    public void TransformRefusesDataWithoutTheTextColumn()
    {
        IDataView data = Ml.Data.LoadFromEnumerable([new { Id = 1 }]);
        StringAssert.StartsWith(
            Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _model.Transform(data)).Message,
            "Could not find text column 'Text'");
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _model.GetOutputSchema(data.Schema));
    }

    [TestMethod]
    public void ScoringLeavesNoTensors()
    {
        Corpus.Scores(Ml, _model, Texts);
        long before = TestModels.LiveTensors();
        Corpus.Scores(Ml, _model, Texts);
        Assert.IsLessThanOrEqualTo(before, TestModels.LiveTensors());
    }

    [TestMethod]
    public void ScoresFromSeveralThreadsAreTheSame()
    {
        float[] expected = [.. Corpus.Scores(Ml, _model, Texts).Select(r => r.LogLikelihood)];
        Parallel.For(0, 8, _ =>
            CollectionAssert.AreEqual(expected, Corpus.Scores(new MLContext(), _model, Texts).Select(r => r.LogLikelihood).ToArray()));
    }

    [TestMethod]
    public void ADisposedModelSaysSo()
    {
        ReversibleLmTransformer model = Corpus.Train(Ml, o => o.MaxSteps = 1);
        model.Dispose();
        Assert.ThrowsExactly<ObjectDisposedException>(() => model.Generate("the"));
        Assert.ThrowsExactly<ObjectDisposedException>(() => Corpus.Scores(Ml, model, "the"));
    }

    private sealed class WithMore
    {
        public int Id { get; set; }

        public string Text { get; set; } = "";

        [VectorType(2)]
        public float[] Weights { get; set; } = [];
    }

    /// <summary>Records the shape that a chain's first estimator is given.</summary>
    private sealed class ShapeProbe(Action<SchemaShape> seen) : IEstimator<ITransformer>
    {
        public ITransformer Fit(IDataView input) => new TransformerChain<ITransformer>();

        public SchemaShape GetOutputSchema(SchemaShape inputSchema)
        {
            seen(inputSchema);
            return inputSchema;
        }
    }
}
