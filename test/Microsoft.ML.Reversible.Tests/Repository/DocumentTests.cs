using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.ML.Reversible.Tests.Language;
using Microsoft.ML.Reversible.Tests.Storage;

namespace Microsoft.ML.Reversible.Tests.Repository;

/// <summary>Compares the pages with the code: their programs, the defaults in their tables, their links.</summary>
[TestClass]
public sealed partial class DocumentTests
{
    private static readonly Dictionary<string, string> _sources = new()
    {
        ["README.md"] = "ReadmeSnippet.cs",
        ["docs/training.md"] = "TrainingSnippets.cs",
        ["docs/models.md"] = "ModelSnippets.cs",
        ["docs/retrofit.md"] = "RetrofitSnippets.cs",
        ["docs/lora.md"] = "AdapterSnippets.cs",
        ["docs/schemes.md"] = "SchemeSnippets.cs",
        ["docs/evaluation.md"] = "EvaluationSnippets.cs",
        ["docs/fine-tuning.md"] = "FineTuningSnippets.cs",
        ["docs/preferences.md"] = "PreferenceSnippets.cs",
        ["docs/chat.md"] = "ChatSnippets.cs",
    };

    [TestMethod]
    public void EveryProgramOfAPageIsOneThatIsTested()
    {
        foreach (string name in Document.Names)
        {
            string[] tested = _sources.TryGetValue(name, out string? source) ? Document.Tested(source) : [];
            CollectionAssert.AreEqual(tested, Document.Open(name).Blocks("csharp"), name);
        }
    }

    [TestMethod]
    [DataRow("docs/training.md", typeof(ReversibleLmTrainer.Options))]
    [DataRow("docs/models.md", typeof(GenerationOptions))]
    [DataRow("docs/retrofit.md", typeof(RetrofitEstimator.Options))]
    [DataRow("docs/fine-tuning.md", typeof(FineTuneEstimator.Options))]
    [DataRow("docs/preferences.md", typeof(PreferenceEstimator.Options))]
    public void TheDefaultsInTheTablesAreTheCodes(string name, Type options)
    {
        object defaults = Activator.CreateInstance(options)!;
        string[][] rows = Document.Open(name).Rows("option", "default");
        Assert.IsGreaterThan(5, rows.Length);
        foreach (string[] row in rows)
        {
            object? value = options.GetProperty(row[0])!.GetValue(defaults);
            Assert.AreEqual(Shown(value), row[1], $"{row[0]} in {name}");
        }
    }

    [TestMethod]
    public void TheFieldsSaidToBeRefusedAre()
    {
        using var scratch = new ScratchFolder();
        string config = scratch.File("m/config.json");
        string[][] rows = Document.Open("docs/models.md").Rows("family", "refused with another value");
        Assert.HasCount(4, rows);
        foreach (string[] row in rows)
        {
            TestFolders.SaveRandom(scratch.File("m"), OfModelType(row[0]));
            string saved = File.ReadAllText(config);
            foreach (string[] field in row[1].Split(", ").Select(field => field.Split(": ")))
            {
                File.WriteAllText(config, saved);
                TestFolders.ChangeJson(config, json => json[field[0]] = JsonNode.Parse(field[1]));
                TestFolders.Load(scratch.File("m")).Dispose();
                TestFolders.ChangeJson(config, json => json[field[0]] = JsonNode.Parse(Other(field[1])));
                StringAssert.Contains(
                    Assert.ThrowsExactly<InvalidDataException>(() => TestFolders.Load(scratch.File("m"))).Message, field[0]);
            }
        }

        static string Other(string value) => value switch
        {
            "true" => "false", "false" => "true", ['"', ..] => "\"relu\"", _ => "2",
        };
    }

    [TestMethod]
    public void TheFieldsSaidToBeNeededAre()
    {
        using var scratch = new ScratchFolder();
        foreach (string[] row in Document.Open("docs/models.md").Rows("family", "needed in config.json"))
        {
            TestFolders.SaveRandom(scratch.File("m"), row[0] == "all" ? TestModels.Small : OfModelType(row[0]));
            string config = scratch.File("m/config.json"), saved = File.ReadAllText(config);
            foreach (string field in row[1].Split(", "))
            {
                File.WriteAllText(config, saved);
                TestFolders.ChangeJson(config, json => Assert.IsTrue(json.Remove(field), field));
                StringAssert.Contains(
                    Assert.ThrowsExactly<InvalidDataException>(() => TestFolders.Load(scratch.File("m"))).Message, field);
            }
        }
    }

    [TestMethod]
    public void TheTableOfFamiliesHasEveryModelType() => CollectionAssert.AreEqual(
        ModelFamilyRow.All.Select(row => row.ModelType).ToArray(),
        Document.Open("docs/models.md").Rows("family", "models").Select(row => row[0]).ToArray());

    [TestMethod]
    public void EveryLinkLeadsSomewhere()
    {
        foreach (string name in Document.Names)
        {
            string file = Document.PathOf(name);
            foreach (Match link in Link().Matches(File.ReadAllText(file)))
            {
                string target = link.Groups[1].Value;
                if (target.Contains("://", StringComparison.Ordinal)) continue;
                Assert.IsTrue(Path.Exists(Path.Combine(Path.GetDirectoryName(file)!, target.Split('#')[0])), $"{target} in {name}");
            }
        }
    }

    private static LanguageModelConfiguration OfModelType(string modelType) =>
        TestModels.Of(ModelFamilyRow.All.Single(row => row.ModelType == modelType).Family);

    private static string Shown(object? value) => value switch
    {
        null => "null",
        bool flag => flag ? "true" : "false",
        System.Collections.ICollection { Count: 0 } => "[]",
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString()!,
    };

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();
}
