using System.CommandLine.Parsing;
using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Tests.Cli;
using Microsoft.ML.Reversible.Tests.FineTuning;
using Microsoft.ML.Reversible.Tests.Storage;

namespace Microsoft.ML.Reversible.Tests.Repository;

/// <summary>Runs the programs and commands of docs/fine-tuning.md, and compares its tables with the code.</summary>
[TestClass]
public sealed class FineTuningPageTests
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly ScratchFolder _scratch = new();

    private static Document Page => Document.Open("docs/fine-tuning.md");

    [TestCleanup]
    public void Delete() => _scratch.Dispose();

    [TestMethod]
    public void EveryOptionIsInTheTable() => CollectionAssert.AreEquivalent(
        typeof(FineTuneEstimator.Options).GetProperties()
            .Where(property => property.DeclaringType == typeof(FineTuneEstimator.Options)).Select(property => property.Name).ToArray(),
        Page.Rows("option", "default").Select(row => row[0]).ToArray());

    [TestMethod]
    public void TheLayoutsOfTheTableAreRead()
    {
        string[] lines = [.. Page.Rows("layout", "example").Select(row => row[1].Trim('`'))];
        Assert.HasCount(5, lines);
        File.WriteAllLines(_scratch.File("chats.jsonl"), lines);
        string[][] texts = [.. _ml.Reversible().LoadConversations(_scratch.File("chats.jsonl")).GetColumn<string[]>("Texts")];
        foreach (string[] row in texts) Assert.AreEqual("Hello", row[^1]);
    }

    [TestMethod]
    public void TheProgramsRun()
    {
        Chats.Write(_scratch.File("chats.jsonl"));
        var (chats, report) = FineTuningSnippets.FineTune(_scratch.File("chats.jsonl"), Chats.Folder, _scratch.File("merged"));
        Assert.AreEqual(40, report.ConversationCount + report.ValidationConversationCount);
        using ReversibleLmTransformer merged = _ml.Reversible().LoadPretrained(_scratch.File("merged"));
        Assert.AreEqual(320, merged.Configuration.VocabularySize);

        File.WriteAllText(_scratch.File("questions.csv"), "Prompt;Answer\nred or blue?;blue\nfox or dog?;dog\nup or down?;up\n");
        var (own, table, options) = FineTuningSnippets.Data(_ml, Chats.Model, _scratch.File("questions.csv"));
        using (ReversibleLmTransformer tuned = _ml.Reversible().FineTune(options).Fit(table))
            Assert.AreEqual(3, tuned.FineTuning!.ConversationCount + tuned.FineTuning.ValidationConversationCount);

        using ReversibleLmTransformer model = Chats.Fit(o => o.LoraRank = 2);
        FineTuningSnippets.Transform(_ml, model, own, _scratch.File("model.zip"));
        FineTuningSnippets.Transform(_ml, model, chats, _scratch.File("model.zip"));
        Assert.IsTrue(File.Exists(_scratch.File("model.zip")));
        StringAssert.StartsWith(FineTuningSnippets.Adapters(model, Chats.Model, _scratch.File("adapter")), "the red");
    }

    [TestMethod]
    public void TheCommandsRun()
    {
        Chats.Write(_scratch.File("chats.jsonl"));
        foreach (string command in Page.Blocks("sh").Single().Split('\n'))
        {
            CliRun run = CliRun.Of([.. CommandLineParser.SplitCommandLine(command).Skip(1).Select(word => word switch
            {
                "model" => Chats.Folder,
                "chats.jsonl" or "adapter" or "tuned" => _scratch.File(word),
                _ => word,
            })]);
            Assert.AreEqual(0, run.Code, run.Error);
        }
        Assert.IsTrue(File.Exists(Path.Combine(_scratch.File("adapter"), "adapter_config.json")));
        Assert.IsTrue(File.Exists(Path.Combine(_scratch.File("tuned"), "config.json")));
    }
}
