using System.Text.Json;
using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Tests.Language;
using Microsoft.ML.Reversible.Tests.Storage;

namespace Microsoft.ML.Reversible.Tests.Evaluation;

[TestClass]
public sealed class ZeroShotEvaluationTests
{
    private static readonly MLContext Ml = new(seed: 1);
    private static ReversibleLmTransformer _model = null!;

    [ClassInitialize]
    public static void Train(TestContext _) => _model = Corpus.Train(Ml, o => (o.MaxSteps, o.ContextLength) = (5, 48));

    [ClassCleanup]
    public static void Free() => _model.Dispose();

    [TestMethod]
    public void TransformingGivesWhatScoringAloneGives()
    {
        Questions.Row[] rows = Rows(30);
        IDataView data = Questions.View(Ml, rows);
        float[][] scores = [.. Fit(new()).Transform(data).GetColumn<float[]>("Score")];
        for (int i = 0; i < rows.Length; i++)
        {
            for (int choice = 0; choice < rows[i].Choices.Length; choice++)
            {
                var request = new ContinuationRequest(rows[i].Question, " " + rows[i].Choices[choice]);
                Assert.AreEqual(OneAtATime.Score(_model.Model, request).LogLikelihood, scores[i][choice], 1e-4, $"row {i}, {choice}");
            }
        }
    }

    [TestMethod]
    public void EvaluatingCountsWhatTransformingPredicts()
    {
        Questions.Row[] rows = Rows(30);
        IDataView data = Questions.View(Ml, rows), scored = Fit(new()).Transform(data);
        ZeroShotMetrics metrics = Fit(new() { BatchTokens = 64 }).Evaluate(scored);
        int[] golds = [.. rows.Select(row => row.Label)];
        Assert.AreEqual(Share(scored.GetColumn<int>("PredictedLabel"), golds), metrics.Accuracy, 1e-12);
        Assert.AreEqual(Share(scored.GetColumn<int>("PredictedLabelNormalized"), golds), metrics.NormalizedAccuracy, 1e-12);
    }

    [TestMethod]
    public void ItemsAreLoggedAsLinesOfJson()
    {
        using var folder = new ScratchFolder();
        Questions.Row[] rows = Rows(3);
        rows[2].Choices = ["猫", "zwei", "three"];
        Fit(new() { ItemLogPath = folder.File("items.jsonl") }).Evaluate(Questions.View(Ml, rows));
        CollectionAssert.AreEqual(new[] { "items.jsonl" }, folder.Entries);
        string[] lines = File.ReadAllLines(folder.File("items.jsonl"));
        Assert.HasCount(3, lines);
        StringAssert.Contains(lines[2], "猫");
        using JsonDocument json = JsonDocument.Parse(lines[2]);
        Assert.AreEqual(2, json.RootElement.GetProperty("doc_id").GetInt32());
        Assert.AreEqual(rows[2].Question, json.RootElement.GetProperty("contexts")[0].GetString());
        Assert.AreEqual(3, json.RootElement.GetProperty("log_likelihoods").GetArrayLength());
        Assert.AreEqual(1, json.RootElement.GetProperty("lengths")[0].GetInt32());
        Assert.AreEqual(3, json.RootElement.GetProperty("byte_lengths")[0].GetInt32());
        Assert.AreEqual(rows[2].Label, json.RootElement.GetProperty("gold").GetInt32());
    }

    [TestMethod]
    public void AFailureLeavesTheItemsOfTheLastRunAsTheyWere()
    {
        using var folder = new ScratchFolder();
        string path = folder.File("items.jsonl");
        File.WriteAllText(path, "before");
        Questions.Row[] rows = Rows(3);
        rows[1].Label = 9;
        Assert.ThrowsExactly<InvalidDataException>(() => Fit(new() { ItemLogPath = path }).Evaluate(Questions.View(Ml, rows)));
        Assert.AreEqual("before", File.ReadAllText(path));
        CollectionAssert.AreEqual(new[] { "items.jsonl" }, folder.Entries);
    }

    [TestMethod]
    public void WhatTheItemsCannotBeWrittenToIsToldBeforeAnythingIsScored()
    {
        using var folder = new ScratchFolder();
        File.WriteAllText(folder.File("file"), "");
        var source = new FakeSource((_, _) => -1);
        var options = new ZeroShotEvaluator.Options { ItemLogPath = Path.Combine(folder.File("file"), "items.jsonl") };
        IDataView data = Questions.View(Ml, Rows(2));
        ZeroShotTransformer transformer = Ml.Reversible().ZeroShot(source, Questions.Task(), options).Fit(data);
        Assert.ThrowsExactly<IOException>(() => transformer.Evaluate(data));
        Assert.IsEmpty(source.Calls);
    }

    [TestMethod]
    public void ProgressEndsAtTheNumberOfItems()
    {
        var seen = new List<ZeroShotProgress>();
        Fit(new() { BatchTokens = 64, Progress = new Reports<ZeroShotProgress>(seen.Add) }).Evaluate(Questions.View(Ml, Rows(20)));
        Assert.AreEqual(("quiz", 20L), (seen[^1].Task, seen[^1].Items));
        Assert.IsGreaterThan(3, seen.Count);
        CollectionAssert.AreEqual(seen.Select(one => one.Items).Order().ToArray(), seen.Select(one => one.Items).ToArray());
    }

    [TestMethod]
    public void CancellingEndsTheEvaluation()
    {
        using var source = new CancellationTokenSource();
        var options = new ZeroShotEvaluator.Options
        {
            BatchTokens = 1,
            Progress = new Reports<ZeroShotProgress>(_ => source.Cancel()),
            CancellationToken = source.Token,
        };
        ZeroShotTransformer transformer = Fit(options);
        IDataView data = Questions.View(Ml, Rows(5));
        Assert.ThrowsExactly<OperationCanceledException>(() => transformer.Evaluate(data));
        Assert.ThrowsExactly<OperationCanceledException>(() => transformer.Transform(data).GetColumn<int>("PredictedLabel").Count());
    }

    [TestMethod]
    public void NoRowsAreNothingToEvaluate()
    {
        IDataView none = Questions.View(Ml);
        StringAssert.Contains(Assert.ThrowsExactly<InvalidOperationException>(() => Fit(new()).Evaluate(none)).Message, "no rows");
        Assert.AreEqual(0, Fit(new()).Transform(none).GetColumn<int>("PredictedLabel").Count());
    }

    [TestMethod]
    public void ScoringLeavesNoTensors()
    {
        IDataView data = Questions.View(Ml, Rows(10));
        ZeroShotTransformer transformer = Fit(new());
        transformer.Evaluate(data);
        long before = TestModels.LiveTensors();
        transformer.Evaluate(data);
        transformer.Transform(data).GetColumn<int>("PredictedLabel").Count();
        transformer.Dispose();
        Assert.IsLessThanOrEqualTo(before, TestModels.LiveTensors());
        Assert.IsLessThan(0f, Corpus.Scores(Ml, _model, "the model is still its owner's")[0].LogLikelihood);
    }

    [TestMethod]
    public void SeveralThreadsGetTheSame()
    {
        IDataView data = Questions.View(Ml, Rows(10));
        ZeroShotTransformer transformer = Fit(new());
        string expected = Logged(transformer.Evaluate(data));
        Parallel.For(0, 4, _ => Assert.AreEqual(expected, Logged(transformer.Evaluate(data))));

        static string Logged(ZeroShotMetrics metrics) => string.Join(" ", metrics.Values);
    }

    [TestMethod]
    public void ADisposedModelSaysSo()
    {
        ReversibleLmTransformer model = Corpus.Train(Ml, o => o.MaxSteps = 1);
        IDataView data = Questions.View(Ml, Rows(2));
        ZeroShotTransformer transformer = Ml.Reversible().ZeroShot(model, Questions.Task()).Fit(data);
        model.Dispose();
        Assert.ThrowsExactly<ObjectDisposedException>(() => transformer.Evaluate(data));
    }

    private static ZeroShotTransformer Fit(ZeroShotEvaluator.Options options) =>
        Ml.Reversible().ZeroShot(_model, Questions.Task(), options).Fit(Questions.View(Ml, Rows(1)));

    private static Questions.Row[] Rows(int count) =>
    [
        .. Enumerable.Range(0, count).Select(i => new Questions.Row
        {
            Question = string.Concat(Enumerable.Repeat("the red fox ", i % 5)),
            Choices = [.. new[] { "jumps", "over", "the blue dog", "", "fox" }.Take(2 + i % 4)],
            Label = i % 2,
        }),
    ];

    private static double Share(IEnumerable<int> predictions, int[] golds) =>
        predictions.Zip(golds).Count(pair => pair.First == pair.Second) / (double)golds.Length;

    private sealed class Reports<T>(Action<T> report) : IProgress<T>
    {
        public void Report(T value) => report(value);
    }
}
