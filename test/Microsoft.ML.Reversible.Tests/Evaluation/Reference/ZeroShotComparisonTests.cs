using System.Text;
using System.Text.RegularExpressions;
using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Tests.Storage;

namespace Microsoft.ML.Reversible.Tests.Evaluation.Reference;

/// <summary>The evaluator against the independent reference, item by item: the first of each task, or all with REVERSIBLE_FULL=1.</summary>
[TestClass]
public sealed class ZeroShotComparisonTests
{
    private const int Some = 15;

    private static readonly MLContext _ml = new(seed: 1);

    private static ReversibleLmTransformer _model = null!;
    private static PlainScorer _reference = null!;

    [ClassInitialize]
    public static void Load(TestContext _) => (_model, _reference) = (
        _ml.Reversible().LoadPretrained(
            TestData.Require("stories260k/hf-llama-form"), tokenizerPath: TestData.Require("stories260k/tok512.model")),
        PlainModel.Scorer());

    [ClassCleanup]
    public static void Free() => _model?.Dispose();

    public static IEnumerable<object[]> Names => ComparedTask.Names.Select(name => new object[] { name });

    public static IEnumerable<object[]> Subjects =>
        (IsFull ? ZeroShotTasks.MmluSubjects : ["abstract_algebra", "high_school_us_history", "philosophy"])
            .Select(subject => new object[] { subject });

    private static bool IsFull => Environment.GetEnvironmentVariable("REVERSIBLE_FULL") == "1";

    [TestMethod]
    [DynamicData(nameof(Names))]
    public void Every_item_gets_the_references_answers_and_log_likelihoods(string name) => Compare(ComparedTask.Read(_ml, name));

    [TestMethod]
    [DynamicData(nameof(Subjects))]
    public void A_subject_of_MMLU_does_with_and_without_examples(string subject)
    {
        Compare(ComparedTask.Mmlu(_ml, subject, shots: 0), Some / 5);
        Compare(ComparedTask.Mmlu(_ml, subject, shots: 5), Some / 5);
        Compare(ComparedTask.MmluContinuation(_ml, subject), Some / 5);
    }

    [TestMethod]
    public void HellaSwag_does()
    {
        using var scratch = new ScratchFolder();
        Compare(ComparedTask.HellaSwag(_ml, scratch.File("hellaswag.jsonl")));
    }

    [TestMethod]
    public void Whole_texts_get_the_references_perplexities()
    {
        string file = TestData.Require("wikitext-2/test.txt");
        IDataView pages = _ml.Data.TakeRows(_ml.Reversible().LoadZeroShot(ZeroShotTasks.Wikitext, file), 2);
        ZeroShotItem[] items = [.. ZeroShotTasks.Wikitext.Items(pages)];
        PlainReader reader = PlainModel.Reader();
        double[] expected = [.. items.Select(item => _reference.ScoreWhole(reader, item.Continuations[0]))];
        Assert.IsTrue(items.All(item => _reference.Pair("", item.Continuations[0]).After.Count > reader.ContextLength), "a page is short");

        ZeroShotTransformer evaluator = _ml.Reversible().ZeroShot(_model, ZeroShotTasks.Wikitext).Fit(pages);
        float[] scores = [.. evaluator.Transform(pages).GetColumn<float>("Score")];
        for (int i = 0; i < expected.Length; i++) AssertNear(expected[i], scores[i], $"page {i}");

        ZeroShotMetrics metrics = evaluator.Evaluate(pages);
        double nats = -expected.Sum(), words = items.Sum(item => Regex.Split(item.CountedText!, @"\s+").Length);
        double bytes = items.Sum(item => Encoding.UTF8.GetByteCount(item.CountedText!));
        Assert.AreEqual(Math.Exp(nats / words), metrics.WordPerplexity, 1e-5 * Math.Exp(nats / words));
        Assert.AreEqual(Math.Exp(nats / bytes), metrics.BytePerplexity, 1e-5);
        Assert.AreEqual(nats / bytes / Math.Log(2), metrics.BitsPerByte, 1e-5);
    }

    [TestMethod]
    public void A_group_is_the_mean_over_all_items_with_the_pooled_error()
    {
        ComparedTask[] subjects = [.. new[] { "anatomy", "virology" }.Select((s, i) => ComparedTask.Mmlu(_ml, s, 0).Take(_ml, 6 + 3 * i))];
        PlainStatistics[] expected =
            [.. subjects.Select(s => PlainStatistics.Of(Right(_reference.Score(s.Plain), score => score.Predicted)))];
        ZeroShotMetrics group = ZeroShotMetrics.Combine(
            "mmlu", subjects.Select(s => _ml.Reversible().ZeroShot(_model, s.Task).Fit(s.Questions).Evaluate(s.Questions)));

        PlainStatistics pooled = PlainStatistics.Pooled([(6, expected[0]), (9, expected[1])]);
        Assert.AreEqual(15, group.ItemCount);
        AssertEqual(pooled, group.Accuracy, group.AccuracyStandardError, "the group");
    }

    private static void Compare(ComparedTask all, int some = Some)
    {
        ComparedTask task = IsFull ? all : all.Take(_ml, some);
        PlainScore[] expected = _reference.Score(task.Plain);
        ZeroShotTransformer evaluator = _ml.Reversible().ZeroShot(_model, task.Task).Fit(task.Questions);
        ComparedRow[] rows = ComparedRow.Of(evaluator.Transform(task.Questions), task.Task.Kind);
        Assert.HasCount(expected.Length, rows);
        for (int i = 0; i < rows.Length; i++) AssertSame(expected[i], rows[i], task.Task.Kind, $"{task.Name}, item {i}");

        ZeroShotMetrics metrics = evaluator.Evaluate(task.Questions);
        Assert.AreEqual(expected.Length, metrics.ItemCount);
        if (task.Task.Kind == ZeroShotKind.LastWord)
        {
            bool[] greedy = [.. expected.Select(score => score.Greedy[0])];
            AssertEqual(PlainStatistics.Of(greedy), metrics.Accuracy, metrics.AccuracyStandardError, task.Name);
            double perplexity = Math.Exp(-expected.Average(score => score.LogLikelihoods[0]));
            Assert.AreEqual(perplexity, metrics.Perplexity, 1e-5 * perplexity, task.Name);
            return;
        }
        AssertEqual(
            PlainStatistics.Of(Right(expected, score => score.Predicted)), metrics.Accuracy, metrics.AccuracyStandardError, task.Name);
        if (task.Task.Kind == ZeroShotKind.MultipleInput) return;
        AssertEqual(
            PlainStatistics.Of(Right(expected, score => score.PredictedNormalized)),
            metrics.NormalizedAccuracy, metrics.NormalizedAccuracyStandardError, task.Name);
        AssertEqual(
            PlainStatistics.Of(Right(expected, score => score.PredictedByBytes)),
            metrics.BytesAccuracy, metrics.BytesAccuracyStandardError, task.Name);
    }

    private static void AssertSame(PlainScore expected, ComparedRow actual, ZeroShotKind kind, string at)
    {
        Assert.HasCount(expected.LogLikelihoods.Length, actual.Scores, at);
        for (int k = 0; k < actual.Scores.Length; k++) AssertNear(expected.LogLikelihoods[k], actual.Scores[k], $"{at}, choice {k}");
        if (kind == ZeroShotKind.LastWord)
        {
            Assert.AreEqual(expected.Greedy[0] ? 0 : -1, actual.Predicted, at);
            return;
        }
        double[] normalized = expected.Divided(choice => choice.EnumerateRunes().Count());
        for (int k = 0; k < normalized.Length; k++) AssertNear(normalized[k], actual.Normalized[k], $"{at}, choice {k} normalized");
        Assert.AreEqual((expected.Predicted, expected.PredictedNormalized), (actual.Predicted, actual.PredictedNormalized), at);
    }

    private static bool[] Right(PlainScore[] scores, Func<PlainScore, int> predicted) =>
        [.. scores.Select(score => predicted(score) == score.Question.Gold)];

    private static void AssertEqual(PlainStatistics expected, double value, double standardError, string at)
    {
        Assert.AreEqual(expected.Mean, value, 1e-12, at);
        Assert.AreEqual(expected.StandardError, standardError, 1e-12, at);
    }

    /// <summary>Within 1e-4, and within what float32 rounds away where the sum is large.</summary>
    private static void AssertNear(double expected, double actual, string at) =>
        Assert.AreEqual(expected, actual, Math.Max(1e-4, 1e-6 * Math.Abs(expected)), at);
}
