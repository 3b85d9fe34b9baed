using System.Text.Json;
using Microsoft.ML.Reversible.Cli.Verbs;
using Microsoft.ML.Reversible.Tests.FineTuning;
using Microsoft.ML.Reversible.Tests.Repository;
using Microsoft.ML.Reversible.Tests.Storage;

namespace Microsoft.ML.Reversible.Tests.Cli;

[TestClass]
public sealed class AlignVerbTests
{
    private readonly ScratchFolder _folder = new();

    private string Out => _folder.File("out");

    [TestInitialize]
    public void WritePairs() => Preferences.Write(_folder.File("pairs.jsonl"));

    [TestCleanup]
    public void Delete() => _folder.Dispose();

    [TestMethod]
    public void ItWritesTheModelThatTheLibraryMakes()
    {
        CliRun run = Run("--max-steps", "4");
        Assert.AreEqual(0, run.Code, run.Error);
        StringAssert.Contains(run.Error, "pairs of answers in the format llama2, ");
        StringAssert.Contains(run.Out, "accuracy");
        StringAssert.Contains(run.Out, "8 pairs in ");
        using ReversibleLmTransformer written = new MLContext().Reversible().LoadPretrained(Out);
        using ReversibleLmTransformer expected = Preferences.Fit(o =>
            (o.MaxSteps, o.WarmupSteps, o.LearningRate, o.EvaluationInterval) = (4, 1, null, 250));
        Assert.IsTrue(expected.Network.parameters().Zip(written.Network.parameters(), TestModels.SameBits).All(same => same));
    }

    [TestMethod]
    public void AnAdapterIsWrittenAloneOrMerged()
    {
        CliRun adapter = Run("--max-steps", "2", "--lora-rank", "2");
        Assert.AreEqual(0, adapter.Code, adapter.Error);
        Assert.IsTrue(File.Exists(Path.Combine(Out, "adapter_model.safetensors")));
        CliRun merged = CliRun.Of([.. Line(_folder.File("merged")), "--max-steps", "2", "--lora-rank", "2", "--merge-adapter"]);
        Assert.AreEqual(0, merged.Code, merged.Error);
        new MLContext().Reversible().LoadPretrained(_folder.File("merged")).Dispose();
    }

    [TestMethod]
    public void TheLinesOfJsonHaveTheFieldsOfThePage()
    {
        CliRun run = Run("--max-steps", "3", "--report-interval", "1", "--json");
        Assert.AreEqual(0, run.Code, run.Error);
        Document page = Document.Open("docs/command-line.md");
        CollectionAssert.AreEqual(Fields("align: before the first step"), Names(run.Json[0]));
        string[] report = [.. Fields("align: each report").Where(name => !name.Contains("on a GPU"))];
        string[] names = Names(run.Json[3]);
        CollectionAssert.IsSubsetOf(report, names);
        CollectionAssert.Contains(names, "validation_loss");
        Assert.AreEqual(3, run.Json[^1].GetProperty("model_step").GetInt32());

        string[] Fields(string line) => page.Rows("line of", "fields").Single(row => row[0] == line)[1].Split(", ");

        static string[] Names(JsonElement line) => [.. line.EnumerateObject().Select(field => field.Name)];
    }

    [TestMethod]
    public void WrongInputIsToldInOneLine()
    {
        Run("--beta", "0").AssertRefused("--beta must be positive");
        Run("--merge-adapter").AssertRefused("--merge-adapter has no effect without --lora-rank");
        Run("--validation", _folder.File("none.jsonl")).AssertRefused("--validation: the file", "does not exist");
        File.WriteAllText(_folder.File("pairs.jsonl"), """{"prompt":"Hi","chosen":"Hello"}""");
        Run("--max-steps", "1").AssertRefused("line 1", "has no 'rejected'");
        Assert.IsFalse(Directory.Exists(Out));
    }

    [TestMethod]
    public void EveryOptionIsReachableOrLeftOutOnPurpose() => CollectionAssert.AreEquivalent(
        typeof(PreferenceEstimator.Options).GetProperties().Select(property => property.Name).ToArray(),
        AlignSettings.Table().Properties.Concat(AlignSettings.LeftOut.Keys).ToArray());

    private CliRun Run(params string[] rest) => CliRun.Of([.. Line(Out), .. rest]);

    private string[] Line(string folder) =>
    [
        "align", "--model", Chats.Folder, "--data", _folder.File("pairs.jsonl"), "--out", folder, "--context-length", "48",
        "--batch-size", "2", "--warmup-steps", "1", "--seed", "1", "--chat-format", "llama2",
    ];
}
