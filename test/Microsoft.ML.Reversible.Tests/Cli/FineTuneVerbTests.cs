using System.Text.Json;
using Microsoft.ML.Reversible.Cli.Options;
using Microsoft.ML.Reversible.Cli.Verbs;
using Microsoft.ML.Reversible.Tests.FineTuning;
using Microsoft.ML.Reversible.Tests.Storage;

namespace Microsoft.ML.Reversible.Tests.Cli;

[TestClass]
public sealed class FineTuneVerbTests
{
    private readonly ScratchFolder _folder = new();

    private string Out => _folder.File("out");

    [TestInitialize]
    public void WriteChats() => Chats.Write(_folder.File("chats.jsonl"));

    [TestCleanup]
    public void Delete() => _folder.Dispose();

    [TestMethod]
    public void ItWritesTheModelThatTheLibraryMakes()
    {
        CliRun run = Run("--max-steps", "6");
        Assert.AreEqual(0, run.Code, run.Error);
        StringAssert.Contains(run.Error, "conversations in the format llama2, ");
        StringAssert.Contains(run.Error, "parameters are trained\n");
        StringAssert.Contains(run.Out, $"Saved to {Out}");
        using ReversibleLmTransformer written = new MLContext().Reversible().LoadPretrained(Out);
        using ReversibleLmTransformer expected = Chats.Fit(o =>
            (o.MaxSteps, o.WarmupSteps, o.LearningRate, o.EvaluationInterval) = (6, 1, null, 250));
        Assert.IsTrue(expected.Network.parameters().Zip(written.Network.parameters(), TestModels.SameBits).All(same => same));
    }

    [TestMethod]
    public void AnAdapterIsWrittenAloneOrMerged()
    {
        CliRun adapter = Run("--max-steps", "2", "--lora-rank", "2");
        Assert.AreEqual(0, adapter.Code, adapter.Error);
        Assert.IsTrue(File.Exists(Path.Combine(Out, "adapter_model.safetensors")));
        Assert.IsFalse(File.Exists(Path.Combine(Out, "config.json")));
        Assert.AreEqual(0, Run("--max-steps", "2", "--lora-rank", "3").Code, "an adapter is replaced");
        Chats.Model.LoadAdapter(Out).Dispose();

        CliRun merged = CliRun.Of([.. Line(_folder.File("merged")), "--max-steps", "2", "--lora-rank", "2", "--merge-adapter"]);
        Assert.AreEqual(0, merged.Code, merged.Error);
        new MLContext().Reversible().LoadPretrained(_folder.File("merged")).Dispose();
        Run("--merge-adapter").AssertRefused("--merge-adapter has no effect without --lora-rank");
    }

    [TestMethod]
    public void TargetsThatSelectNothingAreNamed()
    {
        AssertRefused("(", "--lora-targets cannot be '('. The pattern '(' of module names is not a regular expression.");
        AssertRefused("w_proj", "--lora-targets has 'w_proj', which matches no matrix of the model's blocks.");

        void AssertRefused(string targets, string message)
        {
            CliRun run = Run("--max-steps", "2", "--lora-rank", "2", "--lora-targets", targets);
            Assert.AreNotEqual(0, run.Code);
            StringAssert.Contains(run.Error, message);
            Assert.IsFalse(run.Error.Contains("(Parameter"), run.Error);
        }
    }

    [TestMethod]
    public void JsonLinesBeginWithTheReport()
    {
        CliRun run = Run("--max-steps", "3", "--report-interval", "1", "--json");
        Assert.AreEqual(0, run.Code, run.Error);
        JsonElement first = run.Json[0];
        Assert.AreEqual("llama2", first.GetProperty("chat_format").GetString());
        Assert.AreEqual(
            40, first.GetProperty("conversations").GetInt32() + first.GetProperty("validation_conversations").GetInt32());
        Assert.AreEqual(1, run.Json[1].GetProperty("step").GetInt32());
        Assert.AreEqual(3, run.Json[^1].GetProperty("model_step").GetInt32());
    }

    [TestMethod]
    public void ValidationFilesTakeThePlaceOfAFraction()
    {
        Chats.Write(_folder.File("valid.jsonl"));
        CliRun run = Run("--max-steps", "2", "--json", "--validation", _folder.File("valid.jsonl"));
        Assert.AreEqual(40, run.Json[0].GetProperty("validation_conversations").GetInt32());
        Run("--validation", _folder.File("valid.jsonl"), "--validation-fraction", "0.1")
            .AssertRefused("--validation-fraction has no effect with --validation");
    }

    [TestMethod]
    public void AnAdapterWhoseTokensNoFolderWouldHoldIsRefusedBeforeTheFirstStep()
    {
        string[] line =
        [
            "finetune", "--model", Chats.Folder, "--data", _folder.File("chats.jsonl"), "--out", Out, "--chat-format", "chatml",
            "--context-length", "80", "--batch-size", "2", "--max-steps", "1", "--lora-rank", "2",
        ];
        CliRun run = CliRun.Of(line);
        Assert.AreEqual(1, run.Code, run.Error);
        StringAssert.Contains(run.Error, "Set --merge-adapter");
        Assert.IsFalse(Directory.Exists(Out));
        Assert.AreEqual(0, CliRun.Of([.. line, "--merge-adapter"]).Code);
    }

    [TestMethod]
    public void WrongInputIsToldInOneLine()
    {
        CliRun.Of("finetune", "--model", Chats.Folder, "--data", _folder.File("chats.jsonl"), "--out", Out, "--chat-format", "robot")
            .AssertRefused("--chat-format: The chat format 'robot' is not known", "chatml");
        Run("--base-precision", "bfloat16").AssertRefused("--base-precision has no effect without");
        CliRun.Of("finetune", "--model", Chats.Folder, "--data", _folder.File("none.jsonl"), "--out", Out)
            .AssertRefused("--data: the file", "does not exist");
        CliRun.Of("finetune", "--model", Chats.Folder, "--data", _folder.FullName, "--out", Out).AssertRefused("is a folder");
        CliRun.Of([.. Line(Chats.Folder), "--max-steps", "1"]).AssertRefused("would be overwritten");
        File.WriteAllText(_folder.File("chats.jsonl"), """{"messages":[{"role":"robot","content":"Hi"}]}""");
        Run("--max-steps", "1").AssertRefused("line 1: turn 1 has the role 'robot'");
        Assert.IsFalse(Directory.Exists(Out));
    }

    [TestMethod]
    public void EveryOptionIsReachableOrLeftOutOnPurpose() => CollectionAssert.AreEquivalent(
        typeof(FineTuneEstimator.Options).GetProperties().Select(property => property.Name).ToArray(),
        FineTuneSettings.Table().Properties.Concat(FineTuneSettings.LeftOut.Keys).ToArray());

    [TestMethod]
    public void AParquetFileGivesTheModelOfTheJsonLines()
    {
        ParquetFiles.Write(_folder.File("chats.parquet"), Chats.Rows);
        Assert.AreEqual(0, Run("--max-steps", "2").Code);
        CliRun run = CliRun.Of(
            [.. Line(_folder.File("other"), "chats.parquet"), "--max-steps", "2"]);
        Assert.AreEqual(0, run.Code, run.Error);
        CollectionAssert.AreEqual(
            File.ReadAllBytes(Path.Combine(Out, "model.safetensors")),
            File.ReadAllBytes(Path.Combine(_folder.File("other"), "model.safetensors")));
    }

    private CliRun Run(params string[] rest) => CliRun.Of([.. Line(Out), .. rest]);

    private string[] Line(string folder, string data = "chats.jsonl")
    {
        string[] line =
        [
            "finetune", "--model", Chats.Folder, "--data", _folder.File(data), "--out", folder, "--context-length", "80",
            "--batch-size", "2", "--warmup-steps", "1", "--seed", "1", "--chat-format", "llama2",
        ];
        return line;
    }
}
