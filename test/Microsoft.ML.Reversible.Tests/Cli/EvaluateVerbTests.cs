using System.Text.Json;
using Microsoft.ML.Reversible.Tests.Storage;

namespace Microsoft.ML.Reversible.Tests.Cli;

/// <summary>The verb that scores a model on zero-shot tasks.</summary>
[TestClass]
public sealed class EvaluateVerbTests
{
    private static readonly ScratchFolder _folder = new();
    private static readonly MLContext _ml = new(seed: 1);
    private static readonly string[] _fields =
        ["task", "n", "num_fewshot", "acc", "acc_stderr", "acc_norm", "acc_norm_stderr", "seconds"];

    private static ReversibleLmTransformer _model = null!;

    private static string Model => _folder.File("model");

    private static string Piqa => _folder.File("piqa.jsonl");

    private static string Arc => _folder.File("arc.jsonl");

    private static string Mmlu => _folder.File("mmlu");

    [ClassInitialize]
    public static void Train(TestContext _)
    {
        // Long enough for a question; its examples are cut from the left.
        _model = Corpus.Train(_ml, o => (o.ContextLength, o.MaxSteps) = (128, 30));
        _model.SavePretrained(Model);
        ZeroShotFiles.WritePiqa(Piqa, 9);
        ZeroShotFiles.WriteArc(Arc, 7);
        ZeroShotFiles.WriteMmlu(Mmlu, "test", 2);
        ZeroShotFiles.WriteMmlu(Mmlu, "dev", 1);
    }

    [ClassCleanup]
    public static void Free()
    {
        _model.Dispose();
        _folder.Dispose();
    }

    [TestMethod]
    public void WithJsonEachTaskIsALineOfThePipelinesNumbers()
    {
        CliRun run = CliRun.Of("evaluate", "--model", Model, "--task", $"piqa={Piqa}", "--task", $"arc_easy={Arc}", "--json");
        Assert.AreEqual(0, run.Code, run.Error);
        JsonElement[] lines = run.Json;
        Assert.HasCount(2, lines);
        AssertLine(lines[0], Evaluate(ZeroShotTasks.Piqa, Piqa));
        AssertLine(lines[1], Evaluate(ZeroShotTasks.ArcEasy, Arc));
        StringAssert.Contains(run.Error, "|n-shot|");
        StringAssert.Contains(run.Error, "arc_easy: 7 items");
    }

    [TestMethod]
    public void PeopleGetTheHarnesssTable()
    {
        CliRun run = CliRun.Of("evaluate", "--model", Model, "--task", $"piqa={Piqa}");
        Assert.AreEqual(0, run.Code, run.Error);
        Assert.AreEqual(Evaluate(ZeroShotTasks.Piqa, Piqa).ToString(), run.Out);
    }

    [TestMethod]
    public void ExamplesComeFromAFileOfTheirOwn()
    {
        string examples = _folder.File("examples.jsonl");
        ZeroShotFiles.WritePiqa(examples, 3, first: 20);
        string[] verb = ["evaluate", "--model", Model, "--task", $"piqa={Piqa}", "--num-fewshot", "2", "--json", "--fewshot-data"];
        ZeroShotTask task = ZeroShotTasks.Piqa.FewShot(2, _ml.Reversible().LoadZeroShot(ZeroShotTasks.Piqa, examples));
        foreach (string typed in new[] { examples, $"piqa={examples}" })
        {
            CliRun run = CliRun.Of([.. verb, typed]);
            Assert.AreEqual(0, run.Code, run.Error);
            AssertLine(run.Json.Single(), Evaluate(task, Piqa));
        }
    }

    [TestMethod]
    public void AFolderGivesAllSubjectsAndTheGroup()
    {
        CliRun run = CliRun.Of(
            "evaluate", "--model", Model, "--task", $"mmlu={Path.Combine(Mmlu, "test")}", "--num-fewshot", "1", "--fewshot-data",
            Path.Combine(Mmlu, "dev"), "--limit", "1", "--json");
        Assert.AreEqual(0, run.Code, run.Error);
        JsonElement[] lines = run.Json;
        int subjects = ZeroShotTasks.InGroup("mmlu").Count;
        Assert.HasCount(subjects + 1, lines);
        Assert.AreEqual("mmlu", lines[^1].GetProperty("task").GetString());
        Assert.AreEqual((subjects, 1), (lines[^1].GetProperty("n").GetInt32(), lines[^1].GetProperty("num_fewshot").GetInt32()));
        Assert.AreEqual(
            lines[..^1].Average(line => line.GetProperty("acc").GetDouble()), lines[^1].GetProperty("acc").GetDouble(), 1e-12);

        CliRun one = CliRun.Of("evaluate", "--model", Model, "--task", $"mmlu_virology={Mmlu}", "--json");
        Assert.AreEqual(2, one.Json.Single().GetProperty("n").GetInt32());
    }

    [TestMethod]
    [DataRow("winogrande", """{"sentence": "Who is it _", "option1": "x", "option2": "y", "answer": "1"}""")]
    [DataRow("lambada_openai", """{"text": "trailing space "}""")]
    public void AnEmptyContinuationIsRefusedByFileAndLineAndNotTakenForAHit(string task, string row)
    {
        string file = _folder.File("rows.jsonl");
        File.WriteAllText(file, "\n" + row + "\n");
        CliRun.Of("evaluate", "--model", Model, "--task", $"{task}={file}").AssertRefused($"{file}, line 2: ", "nothing to score");
    }

    [TestMethod]
    public void ALimitAndFewTokensABatchChangeTheNumberOfItemsAndNothingElse()
    {
        string[] verb = ["evaluate", "--model", Model, "--task", $"piqa={Piqa}", "--limit", "4", "--item-log"];
        string whole = _folder.File("whole.jsonl"), small = _folder.File("small.jsonl");
        Assert.AreEqual(0, CliRun.Of([.. verb, whole]).Code);
        Assert.AreEqual(0, CliRun.Of([.. verb, small, "--batch-tokens", "1"]).Code);
        JsonElement[] first = Items(whole), second = Items(small);
        Assert.HasCount(4, first);
        for (int i = 0; i < 4; i++)
        {
            Assert.AreEqual(first[i].GetProperty("prediction").GetInt32(), second[i].GetProperty("prediction").GetInt32());
            Assert.AreEqual(LogLikelihood(first[i]), LogLikelihood(second[i]), 1e-4);
        }

        static double LogLikelihood(JsonElement item) => item.GetProperty("log_likelihoods")[0].GetDouble();
    }

    [TestMethod]
    public void TheItemsOfSeveralTasksAreFilesInAFolder()
    {
        string items = _folder.File("items");
        CliRun run = CliRun.Of(
            "evaluate", "--model", Model, "--task", $"piqa={Piqa}", "--task", $"arc_challenge={Arc}", "--item-log", items);
        Assert.AreEqual(0, run.Code, run.Error);
        Assert.HasCount(9, Items(Path.Combine(items, "piqa.jsonl")));
        Assert.HasCount(7, Items(Path.Combine(items, "arc_challenge.jsonl")));
    }

    [TestMethod]
    public void AWrongTaskIsRefusedInALine()
    {
        Refused([$"pica={Piqa}"], "there is no task 'pica'; did you mean 'piqa'?");
        Refused([Piqa], "--task must be NAME=PATH");
        Refused([$"piqa={Piqa}", $"piqa={Piqa}"], "'piqa' is given twice");
        Refused([$"piqa={_folder.File("none.jsonl")}"], "none.jsonl");
        Refused([$"piqa={Arc}"], "arc.jsonl", "line 1");
        Refused([$"mmlu={_folder.FullName}"], "abstract_algebra");
        CliRun.Of("evaluate", "--model", Model).AssertRefused("--task");
        CliRun.Of("evaluate", "--task", $"piqa={Piqa}").AssertRefused("--model");
    }

    [TestMethod]
    public void AWrongOptionIsRefusedInALine()
    {
        string[] piqa = [$"piqa={Piqa}"];
        Refused(piqa, "--num-fewshot must be at least 0", "--num-fewshot", "-1");
        Refused(piqa, "--fewshot-data piqa=PATH", "--num-fewshot", "2");
        Refused(piqa, "has no effect", "--fewshot-data", Piqa);
        Refused(piqa, "there is no --task 'arc_easy'", "--num-fewshot", "2", "--fewshot-data", $"arc_easy={Arc}");
        Refused(piqa, "9", "--num-fewshot", "20", "--fewshot-data", Piqa);
        Refused(piqa, "--limit must be at least 1", "--limit", "0");
        Refused(piqa, "--limit must be a whole number", "--limit", "all");
        Refused(piqa, "--batch-tokens must be at least 1", "--batch-tokens", "0");

        static void Refused(string[] tasks, string named, params string[] options) => CliRun.Of(Line(tasks, options)).AssertRefused(named);
    }

    [TestMethod]
    public void ACancelledEvaluationSaysSoAndLeavesNoItems()
    {
        string items = _folder.File("cancelled.jsonl");
        CliRun run = CliRun.With(
            "", new CancellationToken(canceled: true),
            "evaluate", "--model", Model, "--task", $"piqa={Piqa}", "--item-log", items, "--json");
        Assert.AreEqual((130, ""), (run.Code, run.Out), run.Error);
        Assert.IsFalse(File.Exists(items));
    }

    private static void Refused(string[] tasks, params string[] named) => CliRun.Of(Line(tasks)).AssertRefused(named);

    private static string[] Line(string[] tasks, params string[] options) =>
        ["evaluate", "--model", Model, .. tasks.SelectMany(task => new[] { "--task", task }), .. options];

    private static ZeroShotMetrics Evaluate(ZeroShotTask task, string path)
    {
        IDataView data = _ml.Reversible().LoadZeroShot(task, path);
        return _ml.Reversible().ZeroShot(_model, task).Fit(data).Evaluate(data);
    }

    private static JsonElement[] Items(string path) => [.. File.ReadLines(path).Select(line => JsonElement.Parse(line))];

    private static void AssertLine(JsonElement line, ZeroShotMetrics expected)
    {
        CollectionAssert.AreEqual(_fields, line.EnumerateObject().Select(field => field.Name).ToArray());
        Assert.AreEqual(expected.Task, line.GetProperty("task").GetString());
        Assert.AreEqual(
            (expected.ItemCount, expected.ShotCount), (line.GetProperty("n").GetInt64(), line.GetProperty("num_fewshot").GetInt32()));
        Assert.AreEqual(
            (expected.Accuracy, expected.AccuracyStandardError), (Number("acc"), Number("acc_stderr")));
        Assert.AreEqual(
            (expected.NormalizedAccuracy, expected.NormalizedAccuracyStandardError), (Number("acc_norm"), Number("acc_norm_stderr")));
        Assert.IsGreaterThanOrEqualTo(0, Number("seconds"));

        double Number(string field) => line.GetProperty(field).GetDouble();
    }
}
