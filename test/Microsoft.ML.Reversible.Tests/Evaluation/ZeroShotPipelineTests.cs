using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Benchmarks;
using Microsoft.ML.Reversible.Tests.Storage;

namespace Microsoft.ML.Reversible.Tests.Evaluation;

/// <summary>Tests a pipeline from training to evaluation, here and in a fresh process.</summary>
[TestClass]
public sealed class ZeroShotPipelineTests
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly ScratchFolder _scratch = new();

    [TestCleanup]
    public void Delete() => _scratch.Dispose();

    [TestMethod]
    public void A_model_trained_and_evaluated_in_a_pipeline_gives_the_same_numbers_in_a_fresh_process()
    {
        ZeroShotFiles.WritePiqa(_scratch.File("piqa.jsonl"), 12);
        IDataView questions = _ml.Reversible().LoadZeroShot(ZeroShotTasks.Piqa, _scratch.File("piqa.jsonl"));
        IDataView data = _ml.Data.LoadFromEnumerable(
            Corpus.Rows.Zip(Enumerable.Repeat(Questions(questions), 100).SelectMany(rows => rows), (text, row) => row.With(text)));
        ReversibleLmTrainer.Options options = Corpus.QuickOptions;
        options.ContextLength = 128;

        using TransformerChain<ZeroShotTransformer> model = _ml.Reversible().LanguageModel(options)
            .Append(_ml.Reversible().ZeroShot(ZeroShotTasks.Piqa))
            .Fit(data);
        float[] scores = [.. Scores(model.LastTransformer.Transform(questions)).First()];
        CollectionAssert.AreEqual(scores, Scores(model.Transform(data)).First());
        ZeroShotMetrics expected = model.LastTransformer.Evaluate(questions);
        _ml.Reversible().Save(model, data.Schema, _scratch.File("m.zip"));

        var result = ChildProcess.Run<FreshProcessEvaluation.Result>("load-zero-shot", _scratch.File("m.zip"), _scratch.File("piqa.jsonl"));

        Assert.AreEqual(
            ("piqa", 12L, expected.Accuracy, expected.NormalizedAccuracy),
            (result.Task, result.ItemCount, result.Accuracy, result.NormalizedAccuracy));
        CollectionAssert.AreEqual(scores, result.FirstScores);
    }

    private static IEnumerable<float[]> Scores(IDataView scored) =>
        scored.GetColumn<VBuffer<float>>("Score").Select(row => row.DenseValues().ToArray());

    private Row[] Questions(IDataView view) => [.. _ml.Data.CreateEnumerable<Row>(view, reuseRowObject: false, ignoreMissingColumns: true)];

    private sealed class Row
    {
        public string Text { get; set; } = "";

        [ColumnName("goal")]
        public string Goal { get; set; } = "";

        [ColumnName("sol1")]
        public string First { get; set; } = "";

        [ColumnName("sol2")]
        public string Second { get; set; } = "";

        [ColumnName("label")]
        public int Label { get; set; }

        public Row With(string text) => new() { Text = text, Goal = Goal, First = First, Second = Second, Label = Label };
    }
}
