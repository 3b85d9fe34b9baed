using Microsoft.ML.Data;
using Microsoft.ML.Reversible.MLNet;

namespace Microsoft.ML.Reversible.Tests.Evaluation;

[TestClass]
public sealed class ZeroShotEvaluatorTests
{
    private static readonly MLContext Ml = new(seed: 1);

    /// <summary>A source for which a choice is likelier the earlier its first letter is in the alphabet.</summary>
    private static readonly FakeSource _byLetter = new((_, text) => text.Length > 1 ? 'a' - 1 - text[1] : -1);

    private sealed class Scored
    {
        public float[] Score { get; set; } = [];

        public float[] ScoreNormalized { get; set; } = [];

        public int PredictedLabel { get; set; }

        public int PredictedLabelNormalized { get; set; }
    }

    [TestMethod]
    public void EveryChoiceIsScoredWhateverTheirNumber()
    {
        Scored[] rows = Scores(Questions.Of(0, "bbbb", "a", "c"), Questions.Of(1, "e", "d", "c", "b", "aa"), Questions.Of(0, "c"));
        CollectionAssert.AreEqual(new[] { -2f, -1f, -3f }, rows[0].Score);
        CollectionAssert.AreEqual(new[] { -0.5f, -1f, -3f }, rows[0].ScoreNormalized);
        Assert.AreEqual((1, 0), (rows[0].PredictedLabel, rows[0].PredictedLabelNormalized));
        CollectionAssert.AreEqual(new[] { -5f, -4f, -3f, -2f, -1f }, rows[1].Score);
        Assert.AreEqual((4, 4), (rows[1].PredictedLabel, rows[1].PredictedLabelNormalized));
        CollectionAssert.AreEqual(new[] { -3f }, rows[2].Score);
    }

    [TestMethod]
    public void TheFirstOfTheLargestWins()
    {
        Scored[] rows = Scores(Questions.Of(0, "c", "b", "b", "a", "a"), Questions.Of(0, "b", "b"));
        Assert.AreEqual(3, rows[0].PredictedLabel);
        Assert.AreEqual(0, rows[1].PredictedLabel);
    }

    [TestMethod]
    public void AnEmptyChoiceHasNoLengthToDivideByAndLoses()
    {
        Scored row = Scores(Questions.Of(0, "", "z")).Single();
        Assert.IsTrue(float.IsNegativeInfinity(row.ScoreNormalized[0]));
        Assert.AreEqual((0, 1), (row.PredictedLabel, row.PredictedLabelNormalized));
    }

    [TestMethod]
    [DataRow("é", 1)]
    [DataRow("e\u0301", 2)]
    [DataRow("猫と犬", 3)]
    [DataRow("😀", 1)]
    [DataRow("👨‍👩‍👧", 5)]
    [DataRow("a ", 2)]
    public void LengthsAreCodePointsAsPythonCountsThem(string choice, int length)
    {
        var source = new FakeSource((_, _) => -60);
        var view = Ml.Reversible().ZeroShot(source, Questions.Task()).Fit(Data()).Transform(Questions.View(Ml, Questions.Of(0, choice)));
        Assert.AreEqual(-60f / length, view.GetColumn<float[]>("ScoreNormalized").Single()[0]);
    }

    [TestMethod]
    public void NamedChoicesMakeVectorsOfKnownSizeWithSlotNames()
    {
        IDataView data = Questions.View(Ml, Questions.Of(0, "a", "b"));
        DataViewSchema schema = Fit(Questions.Task("yes", "no"), data).Transform(data).Schema;
        foreach (string name in new[] { "Score", "ScoreNormalized" })
        {
            Assert.AreEqual(2, ((VectorDataViewType)schema[name].Type).Size);
            VBuffer<ReadOnlyMemory<char>> names = default;
            schema[name].GetSlotNames(ref names);
            CollectionAssert.AreEqual(new[] { "yes", "no" }, names.DenseValues().Select(slot => slot.ToString()).ToArray());
        }
        Assert.AreEqual(0, ((VectorDataViewType)Fit(Questions.Task(), data).Transform(data).Schema["Score"].Type).Size);
    }

    [TestMethod]
    public void ARowWithOtherThanTheNamedChoicesIsRefusedByNumber()
    {
        IDataView data = Questions.View(Ml, Questions.Of(0, "a", "b"), Questions.Of(0, "a", "b", "c"));
        ZeroShotTransformer transformer = Fit(Questions.Task("yes", "no"), data);
        StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => transformer.Evaluate(data)).Message, "Row 1 has 3 choices");
    }

    [TestMethod]
    public void AGoldOutOfRangeIsRefusedByRowNumber()
    {
        IDataView data = Questions.View(Ml, Questions.Of(1, "a", "b"), Questions.Of(0, "a"), Questions.Of(2, "a", "b"));
        ZeroShotTransformer transformer = Fit(Questions.Task(), data);
        StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => transformer.Evaluate(data)).Message, "row 2");
        StringAssert.Contains(
            Assert.ThrowsExactly<InvalidDataException>(() => transformer.Transform(data).GetColumn<int>("PredictedLabel").Count()).Message,
            "row 2");
    }

    [TestMethod]
    public void TheSchemaIsThePromisedOneForEveryKind()
    {
        IDataView data = Questions.View(Ml, Questions.Of(0, "a", "b"));
        foreach (ZeroShotTask task in new[] { Questions.Task(), Questions.Task("A", "B"), Questions.LastWord, Questions.Whole })
        {
            ZeroShotEvaluator evaluator = Ml.Reversible().ZeroShot(_byLetter, task);
            ZeroShotTransformer transformer = evaluator.Fit(data);
            DataViewSchema delivered = transformer.Transform(data).Schema;
            CollectionAssert.AreEqual(
                delivered.Select(c => (c.Name, c.Type)).ToArray(),
                transformer.GetOutputSchema(data.Schema).Select(c => (c.Name, c.Type)).ToArray());
            SchemaShape promised = evaluator.GetOutputSchema(SchemaShapes.From(data.Schema));
            CollectionAssert.AreEquivalent(Shape(SchemaShapes.From(delivered)), Shape(promised));
        }
    }

    [TestMethod]
    public void LastWordsAndWholeTextsHaveOneScore()
    {
        var source = new FakeSource((_, text) => text == " word" ? -1 : -text.Length);
        IDataView data = Questions.View(Ml, Questions.Of(3));
        IDataView words = Ml.Reversible().ZeroShot(source, Questions.LastWord).Fit(data).Transform(data);
        Assert.AreEqual((-1f, true), (words.GetColumn<float>("Score").Single(), words.GetColumn<bool>("PredictedLabel").Single()));
        IDataView texts = Ml.Reversible().ZeroShot(source, Questions.Whole).Fit(data).Transform(data);
        Assert.AreEqual(-2f, texts.GetColumn<float>("Score").Single());
        Assert.IsNull(texts.Schema.GetColumnOrNull("PredictedLabel"));
    }

    [TestMethod]
    public void MultipleInputsPutTheSameTextBehindEachContext()
    {
        var task = new ZeroShotTask(
            "blank", ZeroShotKind.MultipleInput, [ZeroShotColumn.Texts("Choices"), ZeroShotColumn.Integer("Label")],
            row => ZeroShotItem.MultipleInput(row.Texts("Choices"), "end", row.Integer("Label")));
        var source = new FakeSource((context, text) => text == " end" ? -context.Length : 0);
        IDataView data = Questions.View(Ml, Questions.Of(1, "long context", "short"));
        ZeroShotTransformer transformer = Ml.Reversible().ZeroShot(source, task).Fit(data);
        CollectionAssert.AreEqual(new[] { -12f, -5f }, transformer.Transform(data).GetColumn<float[]>("Score").Single());
        Assert.AreEqual(1, transformer.Evaluate(data).Accuracy);
    }

    [TestMethod]
    public void ColumnsMayHaveOtherNames()
    {
        IDataView data = Data();
        var options = new ZeroShotEvaluator.Options { ScoreColumnName = "LL", PredictedLabelColumnName = "Answer" };
        IDataView scored = Ml.Reversible().ZeroShot(_byLetter, Questions.Task(), options).Fit(data).Transform(data);
        CollectionAssert.IsSubsetOf(
            new[] { "LL", "ScoreNormalized", "Answer", "PredictedLabelNormalized" }, scored.Schema.Select(c => c.Name).ToArray());
        IDataView common = Ml.Reversible().ZeroShot(_byLetter, Questions.Task(), "LL", "Answer").Fit(data).Transform(data);
        Assert.IsNotNull(common.Schema.GetColumnOrNull("LL"));
    }

    [TestMethod]
    public void WrongOptionsAndColumnsAreRefused()
    {
        ReversibleCatalog catalog = Ml.Reversible();
        Assert.ThrowsExactly<ArgumentException>(() => catalog.ZeroShot(_byLetter, Questions.Task(), "Same", "Same"));
        Assert.ThrowsExactly<ArgumentException>(() => catalog.ZeroShot(_byLetter, Questions.Task(), " "));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(
            () => catalog.ZeroShot(_byLetter, Questions.Task(), new ZeroShotEvaluator.Options { BatchTokens = 0 }));
        Assert.ThrowsExactly<ArgumentNullException>(() => catalog.ZeroShot(null!, Questions.Task()));
        Assert.ThrowsExactly<ArgumentNullException>(() => catalog.ZeroShot(_byLetter, null!));

        IDataView other = Corpus.View(Ml, "text");
        ZeroShotEvaluator evaluator = catalog.ZeroShot(_byLetter, Questions.Task());
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => evaluator.Fit(other));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => evaluator.GetOutputSchema(SchemaShapes.From(other.Schema)));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => evaluator.Fit(Data()).Transform(other));
        StringAssert.Contains(
            Assert.ThrowsExactly<InvalidOperationException>(() => catalog.ZeroShot(Questions.Task()).Fit(Data())).Message, "Append it");
    }

    [TestMethod]
    public void APredictionEngineScoresSingleRows()
    {
        using var engine = Ml.Model.CreatePredictionEngine<Questions.Row, Scored>(Fit(Questions.Task(), Data()));
        Assert.AreEqual(1, engine.Predict(Questions.Of(0, "b", "a")).PredictedLabel);
        Assert.AreEqual(2, engine.Predict(Questions.Of(0, "b", "c", "a")).PredictedLabel);
    }

    private static IDataView Data() => Questions.View(Ml, Questions.Of(0, "a", "b"));

    private static ZeroShotTransformer Fit(ZeroShotTask task, IDataView data) => Ml.Reversible().ZeroShot(_byLetter, task).Fit(data);

    private static Scored[] Scores(params Questions.Row[] rows)
    {
        IDataView data = Questions.View(Ml, rows);
        return [.. Ml.Data.CreateEnumerable<Scored>(Fit(Questions.Task(), data).Transform(data), reuseRowObject: false)];
    }

    private static string[] Shape(SchemaShape shape) =>
        [.. shape.Select(c => $"{c.Name} {c.Kind} {c.ItemType} {c.IsKey} {string.Join(",", c.Annotations.Select(a => a.Name))}")];
}
