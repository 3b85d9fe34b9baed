using System.CommandLine.Parsing;
using System.Globalization;
using System.Reflection;
using System.Text.Json;
using Microsoft.ML.Reversible.Tests.Cli;
using Microsoft.ML.Reversible.Tests.Retrofit;
using Microsoft.ML.Reversible.Tests.Storage;
using Microsoft.ML.Reversible.Training;

namespace Microsoft.ML.Reversible.Tests.Repository;

/// <summary>Compares the programs, commands and tables of docs/retrofit.md with the code.</summary>
[TestClass]
public sealed class RetrofitPageTests
{
    private static readonly Dictionary<string, Scheme> _schemes = new()
    {
        ["Bdia.Blend(16)"] = Bdia.Blend(16),
        ["new IteratedInverse { A = 0.5, M = 1 }"] = new IteratedInverse { A = 0.5, M = 1 },
        ["new IteratedInverse { A = 1, M = 1 }"] = new IteratedInverse { A = 1, M = 1 },
        ["Scheme.Midpoint"] = Scheme.Midpoint,
        ["Scheme.Leapfrog"] = Scheme.Leapfrog,
        ["Scheme.Bdia"] = Scheme.Bdia,
    };

    private readonly MLContext _ml = new(seed: 1);
    private readonly ScratchFolder _scratch = new();

    [TestCleanup]
    public void Delete() => _scratch.Dispose();

    private static Document Page => Document.Open("docs/retrofit.md");

    [TestMethod]
    public void TheConversionsAreAsTheTableSays()
    {
        string[][] rows = Page.Rows("scheme", "as text");
        CollectionAssert.AreEquivalent(_schemes.Keys, rows.Select(row => row[0]).ToArray());
        foreach (string[] row in rows)
        {
            Scheme scheme = Scheme.Parse(row[1]);
            Assert.AreEqual(_schemes[row[0]], scheme);
            Assert.AreEqual((row[3], row[4]), ($"{scheme.EvaluationsPerLayer}", $"{scheme.RemainderBitsPerActivation}"), row[1]);
        }
    }

    [TestMethod]
    public void EveryOptionIsInTheTable() => CollectionAssert.AreEquivalent(
        typeof(RetrofitEstimator.Options).GetProperties().Where(property => property.DeclaringType == typeof(RetrofitEstimator.Options))
            .Select(property => property.Name).ToArray(),
        Page.Rows("option", "default").Select(row => row[0]).ToArray());

    [TestMethod]
    public void TheDefaultsThatDifferFromTheTrainersAreTold()
    {
        var trainer = Fingerprint.Of(new ReversibleLmTrainer.Options(), seed: 1).Settings;
        CollectionAssert.AreEquivalent(
            Fingerprint.Of(new RetrofitEstimator.Options(), seed: 1).Settings
                .Where(setting => trainer.TryGetValue(setting.Key, out string? value) && value != setting.Value)
                .Select(setting => $"{setting.Key} {setting.Value}").ToArray(),
            Page.Rows("of training").Select(row => $"{row[0]} {row[1]}").ToArray());
    }

    [TestMethod]
    public void TheDistancesOfUntrainedConversionsAreThoseThatAreTested() => CollectionAssert.AreEqual(
        typeof(UntrainedConversionTests).GetMethod(nameof(UntrainedConversionTests.AConversionIsAsFarFromTheTeacherAsItShouldBe))!
            .GetCustomAttributes<DataRowAttribute>().Select(row => (row.Data[0], row.Data[1], row.Data[2])).ToArray(),
        Page.Rows("conversion").Select(row => ((object?)row[0], (object?)Number(row[1]), (object?)Number(row[2]))).ToArray());

    [TestMethod]
    public void TheProgramsRunAndTheFieldsAreThoseOfTheirReports()
    {
        string corpus = CliRun.WriteText(_scratch.File("corpus.txt")), student = _scratch.File("student");
        Retrofits.Teacher.SavePretrained(_scratch.File("teacher"));
        IDataView texts = Corpus.View(_ml, Corpus.Rows);
        RetrofitReport distilled = RetrofitSnippets.Retrofit(_scratch.File("teacher"), corpus, student);
        Assert.IsLessThan(distilled.Before.KlPerToken, distilled.After!.KlPerToken);
        RetrofitReport chosen = RetrofitSnippets.Choose(_ml, Retrofits.Teacher, texts);
        Assert.IsTrue(chosen.Candidates.Any(candidate => !candidate.Fits) && chosen.Candidates.Any(candidate => candidate.Fits));
        Assert.IsTrue(chosen.Candidates.Single(candidate => candidate.Scheme == chosen.Scheme).Fits);
        Assert.IsNotEmpty(RetrofitSnippets.FineTune(_ml, texts, student).History);

        using ReversibleLmTransformer estimator = Retrofits.Fit(o => (o.Scheme, o.Distill) = (Scheme.IteratedInverse, false));
        CollectionAssert.AreEquivalent(
            Page.Rows("field", "holds").SelectMany(row => row[0].Split(", ")).ToArray(),
            new[] { distilled, chosen, estimator.Retrofit! }.SelectMany(Fields).Distinct().ToArray());
    }

    [TestMethod]
    public void TheCommandsRun()
    {
        Retrofits.Teacher.SavePretrained(_scratch.File("gpt2"));
        CliRun.WriteText(_scratch.File("book.txt"));
        string[] commands = [.. Page.Blocks("sh").SelectMany(block => block.Split('\n'))];
        Assert.HasCount(3, commands);
        foreach (string command in commands)
        {
            IEnumerable<string> words = CommandLineParser.SplitCommandLine(command).Skip(1);
            CliRun run = CliRun.Of([.. words.Select(word => IsFile(word) ? _scratch.File(word) : word)]);
            Assert.AreEqual(0, run.Code, run.Error);
        }
        foreach (string folder in new[] { "reversible-gpt2", "converted", "tuned" })
            Assert.IsTrue(File.Exists(_scratch.File($"{folder}/model.safetensors")), folder);

        static bool IsFile(string word) => word is "gpt2" or "book.txt" or "reversible-gpt2" or "converted" or "tuned";
    }

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    private static IEnumerable<string> Fields(RetrofitReport report)
    {
        using JsonDocument json = JsonDocument.Parse(report.ToJson());
        return [.. json.RootElement.EnumerateObject().Select(field => field.Name)];
    }
}
