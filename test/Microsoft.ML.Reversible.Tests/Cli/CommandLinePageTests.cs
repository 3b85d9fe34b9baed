using System.CommandLine.Parsing;
using System.Text.RegularExpressions;
using Microsoft.ML.Reversible.Cli;
using Microsoft.ML.Reversible.Tests.FineTuning;
using Microsoft.ML.Reversible.Tests.Repository;
using Microsoft.ML.Reversible.Tests.Storage;

namespace Microsoft.ML.Reversible.Tests.Cli;

/// <summary>Tests that the commands of docs/command-line.md do what the page says, on a small text and for a few steps.</summary>
[TestClass]
public sealed partial class CommandLinePageTests
{
    private static Document Page => Document.Open("docs/command-line.md");

    [TestMethod]
    public void TheTableListsTheVerbs()
    {
        Reversible.Cli.Verbs.Verb[] verbs = Reversible.Cli.CommandLine.Verbs(new(TextReader.Null, TextWriter.Null, TextWriter.Null));
        CollectionAssert.AreEquivalent(
            verbs.Select(verb => verb.Command.Name).ToArray(), Page.Rows("verb").Select(row => row[0]).ToArray());
    }

    [TestMethod]
    public void TheCommandsRunAndPrintWhatThePageSays()
    {
        string[] commands = Page.Blocks("sh").Single().Split('\n');
        using var folder = new ScratchFolder();
        File.WriteAllLines(folder.File("book.txt"), Lines());
        ZeroShotFiles.WritePiqa(folder.File("valid.jsonl"), 4);

        CliRun.Of(
            "train", "--data", folder.File("book.txt"), "--out", folder.File("gpt2"), "--scheme", "residual", "--context-length", "64",
            "--max-steps", "3");

        Dictionary<string, CliRun> runs = commands.ToDictionary(VerbOf, command => CliRun.Of(Words(command, folder)));
        foreach ((string verb, CliRun run) in runs) Assert.AreEqual(0, run.Code, $"{verb}: {run.Error}");
        CollectionAssert.AreEquivalent(
            new[] { "train", "generate", "chat", "retrofit", "score", "evaluate", "bench", "stability", "gradcheck" }, runs.Keys);
        StringAssert.Contains(runs["train"].Out, "Saved to");
        StringAssert.Contains(runs["retrofit"].Out, "\nafter ");
        StringAssert.StartsWith(runs["generate"].Out, "Once upon a time");
        CollectionAssert.AreEqual(
            new[] { "rows", "tokens", "nats_per_token", "bits_per_byte", "perplexity" },
            runs["score"].Json.Single().EnumerateObject().Select(field => field.Name).ToArray());
        Assert.AreEqual(4, runs["evaluate"].Json.Single().GetProperty("n").GetInt32());
        Assert.HasCount(4, Regex.Matches(runs["bench"].Out, "midpoint:0.5"));
        StringAssert.Contains(runs["stability"].Out, "midpoint: ");
        Assert.AreEqual(0, runs["gradcheck"].Json.Single().GetProperty("differing_elements").GetInt64());
    }

    [TestMethod]
    public void TheFieldsOfEachLineAreInTheTable()
    {
        using var folder = new ScratchFolder();
        string data = CliRun.WriteText(folder.File("text.txt")), model = folder.File("model"), teacher = folder.File("teacher");
        ZeroShotFiles.WritePiqa(folder.File("piqa.jsonl"), 4);
        string[] train = ["train", "--data", data, .. CliRun.Quick, "--json", "--out"];
        string[] small = ["--layer-count", "1", "--width", "8", "--head-count", "1", "--context-length", "4"];
        CliRun.Of([.. train, teacher, "--scheme", "residual"]);

        AssertFields("train", CliRun.Of([.. train, model]));
        AssertFields("retrofit", CliRun.Of(
            "retrofit", "--teacher", teacher, "--data", data, "--out", folder.File("student"), "--context-length", "16", "--max-steps", "2",
            "--batch-size", "2", "--scheme", "auto", "--json"));
        Chats.Write(folder.File("chats.jsonl"));
        AssertFields("finetune", CliRun.Of(
            "finetune", "--model", Chats.Folder, "--data", folder.File("chats.jsonl"), "--chat-format", "llama2", "--out",
            folder.File("tuned"), "--context-length", "80", "--max-steps", "2", "--json"));
        string[] chat = ["chat", "--model", folder.File("chat"), "--format", "zephyr", "--max-tokens", "2", "--json"];
        CliRun.Of(["train", "--data", data, "--out", folder.File("chat"), .. CliRun.Quick.Select(word => word == "16" ? "64" : word)]);
        AssertFields("chat", CliRun.With("the\n", default, chat));
        AssertFields("score", CliRun.Of("score", "--model", model, "--data", data, "--json"));
        AssertFields("evaluate", CliRun.Of("evaluate", "--model", model, "--task", $"piqa={folder.File("piqa.jsonl")}", "--json"));
        AssertFields("stability", CliRun.Of("stability", "--model", model, "--data", data, "--krylov-dimension", "4", "--json"));
        AssertFields("bench", CliRun.Of(["bench", "--vocabulary-size", "9", "--steps", "1", "--in-process", "--json", .. small]));
        AssertFields("gradcheck", CliRun.Of(["gradcheck", "--json", .. small]));
    }

    private static void AssertFields(string verb, CliRun run)
    {
        Assert.AreEqual(0, run.Code, run.Error);
        IEnumerable<string[]> rows = Page.Rows("line of", "fields").Where(row => row[0].Split(' ', ',', ':').Contains(verb));
        string told = string.Join(", ", rows.Select(row => row[1]));
        string[] fields = [.. run.Json.SelectMany(line => line.EnumerateObject().Select(field => field.Name)).Distinct()];
        Assert.IsNotEmpty(fields);
        foreach (string field in fields.Where(field => verb != "evaluate" || !field.StartsWith("acc", StringComparison.Ordinal)))
            StringAssert.Matches(told, new Regex($@"\b{field}\b"), verb);
    }

    private static string VerbOf(string command) => command.Split(' ')[1];

    private static string[] Words(string command, ScratchFolder folder) =>
    [
        .. CommandLineParser.SplitCommandLine(Steps().Replace(command, "--max-steps 3")).Skip(1)
            .Select(word => word is "book.txt" or "model" or "gpt2" or "reversible-gpt2" ? folder.File(word)
                : word.Replace("=", $"={folder.FullName}/")),
    ];

    /// <summary>Text with enough different words for the default vocabulary.</summary>
    private static IEnumerable<string> Lines()
    {
        var random = new Random(1);
        for (int line = 0; line < 300; line++) yield return string.Join(' ', Enumerable.Range(0, 10).Select(_ => Word()));

        string Word() => new([.. Enumerable.Range(0, 6).Select(_ => (char)('a' + random.Next(26)))]);
    }

    [GeneratedRegex(@"--max-steps \d+")]
    private static partial Regex Steps();
}
