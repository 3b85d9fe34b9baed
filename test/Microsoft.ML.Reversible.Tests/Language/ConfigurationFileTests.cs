using System.Text.Json.Nodes;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Tests.Storage;

namespace Microsoft.ML.Reversible.Tests.Language;

/// <summary>Tests forms of config.json and generation_config.json that mean the same model.</summary>
[TestClass]
public sealed class ConfigurationFileTests
{
    private readonly ScratchFolder _scratch = new();

    public static IEnumerable<object[]> Families => [[TestModels.Small], [TestModels.SmallLlama]];

    [TestCleanup]
    public void Delete() => _scratch.Dispose();

    [TestMethod]
    [DynamicData(nameof(Families))]
    public void FormsThatMeanTheSameAreTheSame(LanguageModelConfiguration shape)
    {
        TestFolders.SaveRandom(_scratch.File("m"), shape);
        string path = _scratch.File("m/config.json");
        using LanguageModel expected = TestFolders.Load(_scratch.File("m"));
        TestFolders.ChangeJson(path, json =>
        {
            foreach ((string name, JsonNode? value) in json.ToArray())
                if (value is JsonValue number && number.TryGetValue(out int whole)) json[name] = JsonNode.Parse($"{whole}.0");
            foreach (string name in (string[])["n_inner", "rope_scaling", "head_dim", "hidden_act", "attention_bias"])
                json[name] = null;
            json.Remove("torch_dtype");
            json["dtype"] = "Float32";
            json["unheard_of"] = new JsonObject();
        });
        File.WriteAllText(path, "\ufeff\r\n" + File.ReadAllText(path) + "\n\n ");
        File.WriteAllText(_scratch.File("m/generation_config.json"), """{"eos_token_id":null,"unheard_of":[1]}""" + "\n");

        using LanguageModel model = TestFolders.Load(_scratch.File("m"));

        Assert.IsTrue(TestFolders.SameWeights(expected.Network, model.Network));
        Assert.IsNull(model.SpecialTokens.EndOfGeneration);
    }

    [TestMethod]
    [DataRow("[2.0]", "2", 2)]
    [DataRow("-1", "-1", 0)]
    [DataRow("999", "[-1, 3]", 3)]
    [DataRow("null", "null", 0)]
    public void AnIdThatTheModelLacksStandsForNothing(string begin, string end, int prefix)
    {
        TestFolders.SaveRandom(_scratch.File("m"), TestModels.Small);
        TestFolders.ChangeJson(_scratch.File("m/config.json"), json =>
            (json["bos_token_id"], json["eos_token_id"]) = (JsonNode.Parse(begin), JsonNode.Parse(end)));

        using LanguageModel model = TestFolders.Load(_scratch.File("m"));

        Assert.AreEqual(prefix, model.PrefixId);
    }

    [TestMethod]
    public void AFileInPlaceOfTheFolderIsSaid()
    {
        TestFolders.SaveRandom(_scratch.File("m"), TestModels.Small);
        var e = Assert.ThrowsExactly<DirectoryNotFoundException>(() => TestFolders.Load(_scratch.File("m/config.json")));
        StringAssert.Contains(e.Message, "Give the folder that holds it");
    }

    [TestMethod]
    public void AMessageNamesTheFileAndItsFieldsInOneLine()
    {
        TestFolders.SaveRandom(_scratch.File("m"), TestModels.SmallLlama);
        TestFolders.ChangeJson(_scratch.File("m/config.json"), json => json["num_hidden_layers"] = 0);
        var e = Assert.ThrowsExactly<InvalidDataException>(() => TestFolders.Load(_scratch.File("m")));
        StringAssert.EndsWith(
            e.Message, "config.json' does not describe a model: num_hidden_layers must be at least 1. Actual value was 0.");
    }
}
