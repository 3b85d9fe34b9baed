using System.Diagnostics;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using Microsoft.ML.Reversible.Cli.Benchmark;
using Microsoft.ML.Reversible.Cli.Verbs;
using Microsoft.ML.Reversible.Tests.Storage;

namespace Microsoft.ML.Reversible.Tests.Repository;

/// <summary>Tests the script that compares peers with the command line, with small programs as peers, and the pages about it.</summary>
[TestClass]
public sealed partial class PeerComparisonTests
{
    private const string Folder = "test/Microsoft.ML.Reversible.Benchmarks/peers";

    /// <summary>Prints what it is asked for: NAME=VALUE becomes a field, a word alone a line on standard error and an exit code.</summary>
    private const string Program = """
        import json, os, sys
        a = sys.argv[1:]
        print("not JSON")
        given = [word for word in a if "=" in word]
        if not given: sys.exit("boom")
        for line in " ".join(given).split(";"):
            print(json.dumps({k: float(v) for k, v in (word.split("=") for word in line.split())}))
        print(os.environ.get("CUDA_VISIBLE_DEVICES"), file=sys.stderr)
        """;

    private readonly ScratchFolder _scratch = new();

    [TestCleanup]
    public void Delete() => _scratch.Dispose();

    [TestMethod]
    public void TheTableHasRatiosOfMedians()
    {
        string[][] rows = Compare(
            "--pair", "batch=4 tokens_per_s=200 peak_gib=8", "batch=4 tokens_per_s=300 peak_gib=2 fixed_gib=0.5", "--repeat", "3");
        string[] row = rows.Single();
        CollectionAssert.IsSubsetOf(new[] { "300", "200", "1.500", "2.00", "8.00", "0.250", "1.50", "3/3" }, row);
    }

    [TestMethod]
    public void OfASearchTheBestSpeedAndTheLargestBatchAreTaken()
    {
        string[] row = Compare(
            "--pair", "batch=2 tokens_per_s=150;largest_batch=2 best_tokens_per_s=150",
            "batch=2 tokens_per_s=300 peak_gib=1;batch=4 tokens_per_s=240 peak_gib=2;largest_batch=4 best_batch=2 best_tokens_per_s=310")
            .Single();
        CollectionAssert.IsSubsetOf(new[] { "310", "150", "2.067", "4", "2", "2.000", "2.00" }, row);
    }

    [TestMethod]
    public void AProgramThatFailsIsARowWithTheReason()
    {
        string[][] rows = Compare(
            "--pair", "fails", "batch=1 tokens_per_s=100", "--pair", "batch=1 out_of_memory=1", "batch=1 tokens_per_s=100");
        StringAssert.Contains(rows[0][2], "ended with 1: boom");
        StringAssert.Contains(rows[1][2], "out of memory");
        Assert.IsTrue(rows.All(row => row.Contains("100")));
    }

    [TestMethod]
    public void ResultsAreKeptAndTakenAgain()
    {
        string[] pair = ["--pair", "batch=4 tokens_per_s=200", "batch=4 tokens_per_s=300", "--results", _scratch.File("results.jsonl")];
        string[] first = Compare([.. pair, "--gpus", "3"]).Single();
        CollectionAssert.AreEqual(first, Compare([.. pair, "--table"]).Single());
        Assert.AreEqual("2/2", Compare(pair).Single()[^1]);
        string[] other = Compare([.. pair, "--table", "--our-options", "--steps 9"]).Single();
        StringAssert.Contains(other[1], "not run");
    }

    [TestMethod]
    public void ThePresetsAreThoseOfThePage()
    {
        string script = File.ReadAllText(Document.PathOf($"{Folder}/configurations.py"));
        string presets = Regex.Match(script, @"^PRESETS = \{([^}]*)\}", RegexOptions.Multiline).Groups[1].Value;
        CollectionAssert.AreEquivalent(
            Name().Matches(presets).Select(match => match.Groups[1].Value).ToArray(),
            Document.Open($"{Folder}/README.md").Rows("preset").Select(row => row[0]).ToArray());
    }

    [TestMethod]
    public void OurRunsOfThePresetsAreCommandLinesThatParse()
    {
        var verb = new Reversible.Cli.Verbs.BenchVerb(new(TextReader.Null, TextWriter.Null, TextWriter.Null));
        string[] runs = Python(
            "-c", "import configurations as c, json\n"
                + "for make in c.PRESETS.values():\n for x in make():\n  for r in x.runs():\n"
                + "   if r.program == 'reversible': print(json.dumps(r.arguments))").Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.IsGreaterThan(20, runs.Length);
        foreach (string run in runs)
        {
            string[] words = JsonSerializer.Deserialize<string[]>(run)!;
            Assert.AreEqual("bench", words[0]);
            Assert.AreEqual(0, verb.Command.Parse(words[1..]).Errors.Count, run);
        }
    }

    [TestMethod]
    public void TheCommandsOfThePerformancePageAreUnderstood()
    {
        var verb = new Reversible.Cli.Verbs.BenchVerb(new(TextReader.Null, TextWriter.Null, TextWriter.Null));
        string[] commands = [.. File.ReadLines(Document.PathOf("docs/performance.md")).Where(line => line.StartsWith("reversible bench "))];
        Assert.IsGreaterThan(3, commands.Length);
        foreach (string command in commands) Assert.AreEqual(0, verb.Command.Parse(command.Split(' ')[2..]).Errors.Count, command);
    }

    [TestMethod]
    public void TheFieldsOfThePageAreTheCodes() => CollectionAssert.AreEqual(
        typeof(BenchRow).GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(property => property.GetCustomAttribute<JsonIgnoreAttribute>() is null)
            .Select(property => JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name)).Order().ToArray(),
        Document.Open("docs/benchmarks.md").Rows("bench field").SelectMany(row => row[0].Split(", ")).Order().ToArray());

    /// <summary>The cells of the table's rows.</summary>
    private string[][] Compare(params string[] arguments)
    {
        File.WriteAllText(_scratch.File("peer.py"), Program);
        File.WriteAllText(_scratch.File("ours"), "#!/usr/bin/env python3\n" + Program);
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(_scratch.File("ours"), (UnixFileMode)0b111_101_101);
        string output = Python(
        [
            Document.PathOf($"{Folder}/compare.py"), "--peer", _scratch.File("peer.py"), "--reversible", _scratch.File("ours"),
            .. arguments,
        ]);
        return [.. output.Split('\n').Where(line => line.StartsWith("| pair")).Select(line => line.Split('|')[1..^1])
            .Select(cells => cells.Select(cell => cell.Trim()).ToArray())];
    }

    private static string Python(params string[] arguments)
    {
        if (OperatingSystem.IsWindows()) Assert.Inconclusive("The script is for machines where a program can be a script.");
        var start = new ProcessStartInfo("python3", ["-B", .. arguments])
        {
            WorkingDirectory = Document.PathOf(Folder), RedirectStandardOutput = true, RedirectStandardError = true,
        };
        try
        {
            using Process process = Process.Start(start)!;
            Task<string> errors = process.StandardError.ReadToEndAsync();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            Assert.AreEqual(0, process.ExitCode, errors.Result);
            return output;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Inconclusive("There is no python3.");
            throw;
        }
    }

    [GeneratedRegex("\"([^\"]+)\":")]
    private static partial Regex Name();
}
