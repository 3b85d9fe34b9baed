using System.CommandLine.Parsing;
using System.Text.Json;
using Microsoft.ML.Reversible.Tests.Cli;
using Microsoft.ML.Reversible.Tests.Storage;

namespace Microsoft.ML.Reversible.Tests.Repository;

/// <summary>Runs the programs and commands of docs/evaluation.md and compares its tables with the code.</summary>
[TestClass]
public sealed class DocumentEvaluationTests
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly ScratchFolder _scratch = new();

    [TestCleanup]
    public void Delete() => _scratch.Dispose();

    [TestMethod]
    public void TheTasksAreTheCodes()
    {
        string[][] rows = Document.Open("docs/evaluation.md").Rows("task", "what is asked");
        CollectionAssert.AreEquivalent(
            ZeroShotTasks.Names.Where(name => !name.StartsWith("mmlu", StringComparison.Ordinal))
                .Append("mmlu_anatomy").Append("mmlu_anatomy_continuation").ToArray(),
            rows.Select(row => row[0]).ToArray());
        foreach (string[] row in rows)
        {
            ZeroShotTask task = ZeroShotTasks.Named(row[0]);
            Assert.AreEqual(string.Join(", ", task.Metrics), row[2], row[0]);
            Assert.AreEqual(string.Join(", ", task.Columns.Select(column => column.Name)), row[3], row[0]);
            if (row[0].Contains("anatomy")) StringAssert.Contains(row[1] + "mmlu_continuation", task.Groups[0]);
        }
        Assert.HasCount(57, ZeroShotTasks.InGroup("mmlu"));
    }

    [TestMethod]
    public void TheColumnsAreTheCodes()
    {
        var defaults = new ZeroShotEvaluator.Options();
        CollectionAssert.AreEqual(
            new[]
            {
                defaults.ScoreColumnName, defaults.ScoreNormalizedColumnName, defaults.PredictedLabelColumnName,
                defaults.PredictedLabelNormalizedColumnName,
            },
            Document.Open("docs/evaluation.md").Rows("column", "multiple choice, multiple input").Select(row => row[0]).ToArray());
    }

    [TestMethod]
    public void TheProgramsAndTheCommandRun()
    {
        ZeroShotFiles.WritePiqa(_scratch.File("valid.jsonl"), 8);
        ZeroShotFiles.WriteArc(_scratch.File("arc.jsonl"), 5);
        foreach (string split in new[] { "test", "dev" }) ZeroShotFiles.WriteMmlu(_scratch.File("mmlu"), split, split == "dev" ? 5 : 1);
        using (ReversibleLmTransformer trained = Corpus.Train(_ml, o => (o.MaxSteps, o.ContextLength) = (5, 96)))
        {
            trained.SavePretrained(_scratch.File("model"));
            ZeroShotMetrics[] subjects = EvaluationSnippets.FewShot(_ml, trained, _scratch.FullName);
            Assert.IsTrue(subjects.All(subject => subject.ShotCount == 5));

            EvaluationSnippets.Riddle[] riddles = [new() { Question = "red?", Answers = ["fox", "dog", ""], Right = 1 }];
            Assert.AreEqual(1, EvaluationSnippets.Own(_ml, trained, riddles, _scratch.FullName).ItemCount);
        }
        ZeroShotMetrics metrics = EvaluationSnippets.Score(_ml, _scratch.FullName);
        Assert.AreEqual(8, metrics.ItemCount);
        AssertItemFields();
        AssertCommand(metrics);
    }

    [TestMethod]
    public void ThePipelineRunsAndIsLoadedAgain()
    {
        ReversibleLmTrainer.Options options = Corpus.QuickOptions;
        (options.MaxSteps, options.ContextLength) = (5, 96);
        IDataView data = _ml.Data.LoadFromEnumerable(Corpus.Rows.Select((text, i) => new
        {
            Text = text, goal = $"fox {i}", sol1 = "the red dog", sol2 = "the blue dog", label = i % 2,
        }).Take(80));
        ZeroShotMetrics metrics = EvaluationSnippets.Pipeline(_ml, options, data, _scratch.FullName);
        Assert.AreEqual(80, metrics.ItemCount);

        ITransformer loaded = _ml.Reversible().Load(_scratch.File("evaluated.zip"), out _);
        using var owned = (IDisposable)loaded;
        var evaluator = (ZeroShotTransformer)((Microsoft.ML.Data.TransformerChain<ITransformer>)loaded).LastTransformer;
        Assert.AreEqual(metrics.Accuracy, evaluator.Evaluate(data).Accuracy);
    }

    private void AssertItemFields()
    {
        string[] fields = [.. Document.Open("docs/evaluation.md").Rows("item field").SelectMany(row => row[0].Split(", "))];
        JsonElement item = JsonElement.Parse(File.ReadLines(_scratch.File("riddles.jsonl")).Single());
        CollectionAssert.AreEquivalent(fields, item.EnumerateObject().Select(field => field.Name).ToArray());
    }

    private void AssertCommand(ZeroShotMetrics expected)
    {
        string command = Document.Open("docs/evaluation.md").Blocks("sh").Single();
        string[] words = [.. CommandLineParser.SplitCommandLine(command).Skip(1).Select(word =>
            word.Split('=') is [var task, var file] ? $"{task}={_scratch.File(file)}" : word == "model" ? _scratch.File(word) : word)];
        CliRun run = CliRun.Of(words);
        Assert.AreEqual(0, run.Code, run.Error);
        Assert.HasCount(2, run.Json);
        Assert.AreEqual(expected.Accuracy, run.Json[0].GetProperty("acc").GetDouble());
    }
}
