using System.Text.Json;
using Microsoft.ML.Reversible.Evaluation;

namespace Microsoft.ML.Reversible.Tests.Evaluation;

[TestClass]
public sealed class ZeroShotMetricsTests
{
    private const double Tolerance = 1e-12;

    private static readonly MLContext Ml = new(seed: 1);

    [TestMethod]
    public void AccuraciesAreMeansWithSampleDeviations()
    {
        // By sum "é" wins (-3), by characters "aaaa" (-1 each against -3), by bytes "aaaa" as well (-1 against -1.5).
        // In the second row "b" wins by sum and characters; in the third the first; the golds make it 2, 2 and 2 of 4 right.
        var source = new FakeSource((_, text) => text switch { " é" => -3, " aaaa" => -4, " b" => -1, _ => -9 });
        ZeroShotMetrics metrics = Evaluate(
            source, Questions.Task(), Questions.Of(0, "é", "aaaa"), Questions.Of(1, "x", "b"), Questions.Of(1, "x", "x"),
            Questions.Of(1, "é", "aaaa"));
        Assert.AreEqual(4, metrics.ItemCount);
        Assert.AreEqual(2 / 4.0, metrics.Accuracy, Tolerance);
        Assert.AreEqual(Math.Sqrt(4 * 0.25 / 3 / 4), metrics.AccuracyStandardError, Tolerance);
        Assert.AreEqual(2 / 4.0, metrics.NormalizedAccuracy, Tolerance);
        Assert.AreEqual(2 / 4.0, metrics.BytesAccuracy, Tolerance);
        Assert.IsTrue(double.IsNaN(metrics.Perplexity));
    }

    [TestMethod]
    public void CharactersAndBytesAreDifferentLengths()
    {
        // Per character -4 against -3; per byte -2 against -3.
        var source = new FakeSource((_, text) => text == " éé" ? -8 : -6);
        ZeroShotMetrics metrics = Evaluate(source, Questions.Task(), Questions.Of(0, "éé", "ab"));
        Assert.AreEqual((0.0, 0.0, 1.0), (metrics.Accuracy, metrics.NormalizedAccuracy, metrics.BytesAccuracy));
        Assert.IsTrue(double.IsNaN(metrics.AccuracyStandardError), "one item has no deviation");
    }

    [TestMethod]
    public void LastWordsHaveAPerplexityADocument()
    {
        var source = new FakeSource((context, _) => context == "Q1" ? -1 : -4);
        ZeroShotMetrics metrics = Evaluate(source, Questions.LastWord, Questions.Of(1), Questions.Of(2), Questions.Of(3));
        Assert.AreEqual(1 / 3.0, metrics.Accuracy, Tolerance);
        Assert.AreEqual(Math.Exp(3), metrics.Perplexity, 1e-9);
        Assert.AreEqual(PerplexityBootstrap.StandardError([-1, -4, -4]), metrics.PerplexityStandardError, 1e-9);
    }

    [TestMethod]
    public void WholeTextsAreCountedInWordsAndBytes()
    {
        var source = new FakeSource((_, text) => -10 * text.Length);
        var rows = new[] { "two words", "é", " a\t\nb " }.Select(text => new Questions.Row { Question = text }).ToArray();
        ZeroShotMetrics metrics = Evaluate(source, Questions.Whole, rows);
        double sum = -10 * (9 + 1 + 6), words = 2 + 1 + 4, bytes = 9 + 2 + 6;
        Assert.AreEqual(Math.Exp(-sum / words), metrics.WordPerplexity, 1e-6 * metrics.WordPerplexity);
        Assert.AreEqual(Math.Exp(-sum / bytes), metrics.BytePerplexity, 1e-6 * metrics.BytePerplexity);
        Assert.AreEqual(-sum / bytes / Math.Log(2), metrics.BitsPerByte, 1e-9);
    }

    [TestMethod]
    public void AGroupIsTheAverageOverItemsWithThePooledError()
    {
        ZeroShotMetrics a = OfRight(3, 4), b = OfRight(2, 10), c = OfRight(1, 1);
        ZeroShotMetrics group = ZeroShotMetrics.Combine("all", [a, b, c]);
        Assert.AreEqual(("all", 15L), (group.Task, group.ItemCount));
        Assert.AreEqual(6 / 15.0, group.Accuracy, Tolerance);
        double squares = 3 * 4 * Math.Pow(a.AccuracyStandardError, 2) + 9 * 10 * Math.Pow(b.AccuracyStandardError, 2);
        Assert.AreEqual(Math.Sqrt(squares / (15 - 3)) / Math.Sqrt(15), group.AccuracyStandardError, Tolerance);
        Assert.AreEqual(a.Accuracy, ZeroShotMetrics.Combine("one", [a]).Accuracy, Tolerance);
        Assert.AreEqual(a.AccuracyStandardError, ZeroShotMetrics.Combine("one", [a]).AccuracyStandardError, Tolerance);
        Assert.ThrowsExactly<ArgumentException>(() => ZeroShotMetrics.Combine("none", []));
        ZeroShotMetrics words = Evaluate(new FakeSource((_, _) => -1), Questions.LastWord, Questions.Of(1));
        Assert.ThrowsExactly<ArgumentException>(() => ZeroShotMetrics.Combine("mixed", [a, words]));
    }

    [TestMethod]
    public void TheTableHasTheColumnsOfTheHarness()
    {
        ZeroShotMetrics words = Evaluate(new FakeSource((_, _) => -1), Questions.LastWord, Questions.Of(1));
        string[] expected =
        [
            "|Tasks|Version|Filter|n-shot|  Metric  |   |Value |   |Stderr|",
            "|-----|------:|------|-----:|----------|---|-----:|---|-----:|",
            "|quiz |       |none  |     0|acc       |↑  |0.7500|±  |0.2500|",
            "|     |       |none  |     0|acc_norm  |↑  |0.7500|±  |0.2500|",
            "|last |       |none  |     0|perplexity|↓  |2.7183|±  |   N/A|",
            "|     |       |none  |     0|acc       |↑  |1.0000|±  |   N/A|",
        ];
        string table = ZeroShotMetrics.ToTable([OfRight(3, 4), words]);
        CollectionAssert.AreEqual(expected, table.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        StringAssert.Contains(OfRight(3, 4).ToString(), "|quiz |");
    }

    [TestMethod]
    public void TheLineOfJsonHasTheFieldsOfTheCommandLine()
    {
        using JsonDocument json = JsonDocument.Parse(OfRight(3, 4).ToJson());
        CollectionAssert.AreEqual(
            new[] { "task", "n", "num_fewshot", "acc", "acc_stderr", "acc_norm", "acc_norm_stderr", "seconds" },
            json.RootElement.EnumerateObject().Select(field => field.Name).ToArray());
        Assert.AreEqual(0.75, json.RootElement.GetProperty("acc").GetDouble());
        Assert.AreEqual(4, json.RootElement.GetProperty("n").GetInt32());
        Assert.IsFalse(OfRight(3, 4).ToJson().Contains('\n'));
        StringAssert.Contains(OfRight(1, 1).ToJson(), "\"acc_stderr\":null");
    }

    private static ZeroShotMetrics OfRight(int right, int count) => Evaluate(
        new FakeSource((_, text) => text == " a" ? -1 : -2), Questions.Task(),
        [.. Enumerable.Range(0, count).Select(i => Questions.Of(i < right ? 0 : 1, "a", "b"))]);

    private static ZeroShotMetrics Evaluate(ILogLikelihoodSource source, ZeroShotTask task, params Questions.Row[] rows)
    {
        IDataView data = Questions.View(Ml, rows);
        return Ml.Reversible().ZeroShot(source, task).Fit(data).Evaluate(data);
    }
}
