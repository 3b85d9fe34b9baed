using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Reversible.Storage;
using Microsoft.ML.Reversible.Tests.Storage;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Language;

/// <summary>Tests adapters that PEFT has made, against its results.</summary>
[TestClass]
public sealed class ReferenceAdapterTests
{
    private const double Tolerance = 1e-4;

    private readonly ScratchFolder _scratch = new();

    public static IEnumerable<object[]> Names =>
        ((string[])["lora-llama", "lora-all-linear-rslora", "lora-gpt2"]).Select(name => new object[] { name });

    [TestCleanup]
    public void DeleteScratch() => _scratch.Dispose();

    [TestMethod]
    [DynamicData(nameof(Names))]
    public void TheResultsAreThoseOfPeftMergedAndNot(string name)
    {
        Golden golden = Read<Golden>($"adapters/{name}");
        BaseGolden of = Read<BaseGolden>($"models/{golden.Base}");
        using LanguageModel model = TestFolders.Load(TestData.Require($"reference-models/models/{golden.Base}"));
        using LanguageNetwork adapted = AdapterFolder.Load(Folder(name), model.Network);
        using LanguageNetwork merged = adapted.Merge();
        TestFolders.Save(adapted, _scratch.File("merged"));
        using LanguageModel saved = TestFolders.Load(_scratch.File("merged"));
        long[] prompt = of.Ids[..of.PromptLength], greedy = TestFolders.Greedy(adapted, prompt, of.Greedy.Length);
        foreach (LanguageNetwork network in (LanguageNetwork[])[adapted, merged, saved.Network])
        {
            AssertClose(golden.LogitsLast, TestFolders.Logits(network, of.Ids)[^network.Configuration.VocabularySize..]);
            AssertClose(golden.LogLikelihoods, LogLikelihoods(network, of.Ids));
            CollectionAssert.AreEqual(greedy, TestFolders.Greedy(network, prompt, of.Greedy.Length));
        }
        Assert.IsTrue(TestFolders.SameWeights(merged, saved.Network));
        AssertClose(of.LogitsLast, TestFolders.Logits(model.Network, of.Ids)[^model.Network.Configuration.VocabularySize..]);
    }

    /// <summary>PEFT keeps the names of modules in a set, whose order varies.</summary>
    [TestMethod]
    [DynamicData(nameof(Names))]
    public void AnAdapterSavesBackToTheSameFieldsAndBytes(string name)
    {
        string folder = Folder(name), saved = _scratch.File("saved");
        using LanguageModel model = TestFolders.Load(TestData.Require($"reference-models/models/{Read<Golden>($"adapters/{name}").Base}"));
        using (LanguageNetwork adapted = AdapterFolder.Load(folder, model.Network)) AdapterFolder.Save(adapted, saved);

        CollectionAssert.AreEqual(
            File.ReadAllBytes(Path.Combine(folder, "adapter_model.safetensors")),
            File.ReadAllBytes(Path.Combine(saved, "adapter_model.safetensors")));
        JsonObject expected = Json(folder), actual = Json(saved);
        CollectionAssert.AreEqual(expected.Select(field => field.Key).ToArray(), actual.Select(field => field.Key).ToArray());
        foreach ((string field, JsonNode? value) in expected)
        {
            if (field == "target_modules") CollectionAssert.AreEquivalent(Texts(value), Texts(actual[field]));
            else Assert.AreEqual(value?.ToJsonString(), actual[field]?.ToJsonString(), field);
        }
        CollectionAssert.AreEquivalent(
            new[] { "adapter_config.json", "adapter_model.safetensors" }, Directory.GetFiles(saved).Select(Path.GetFileName).ToArray());

        static JsonObject Json(string of) => JsonNode.Parse(File.ReadAllText(Path.Combine(of, "adapter_config.json")))!.AsObject();

        static string[] Texts(JsonNode? list) => [.. list!.AsArray().Select(item => (string)item!)];
    }

    [TestMethod]
    public void AnAdapterOfAnotherBaseIsRefusedWithItsDifferences()
    {
        using LanguageModel model = TestFolders.Load(TestData.Require("reference-models/models/gpt2-large-like"));
        string message = Assert.ThrowsExactly<InvalidDataException>(() => AdapterFolder.Load(Folder("lora-llama"), model.Network)).Message;
        StringAssert.Contains(message, "matches no matrix");
        StringAssert.Contains(message, "attn.c_attn");

        using LanguageModel llama = TestFolders.Load(TestData.Require("reference-models/models/qwen3-tied-deep"));
        message = Assert.ThrowsExactly<InvalidDataException>(() => AdapterFolder.Load(Folder("lora-llama"), llama.Network)).Message;
        StringAssert.Contains(message, "Was it made for another base model?");
        StringAssert.Contains(message, "Missing: base_model.model.model.layers.");
    }

    private static string Folder(string name) => TestData.Require($"reference-models/adapters/{name}");

    private static T Read<T>(string name) => JsonSerializer.Deserialize<T>(
        File.ReadAllText(TestData.Require($"reference-models/{name}/golden.json")),
        new JsonSerializerOptions { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower })!;

    private static float[] LogLikelihoods(LanguageNetwork network, long[] ids)
    {
        using var scope = NewDisposeScope();
        Tensor targets = tensor((long[])[.. ids[1..], ChunkedCrossEntropy.Ignored]);
        return LanguageModelLoss.LogLikelihood(network, tensor(ids, [1, ids.Length]), targets).data<float>().ToArray()[..^1];
    }

    private static void AssertClose(double[] expected, float[] actual)
    {
        Assert.HasCount(expected.Length, actual);
        for (int i = 0; i < expected.Length; i++) Assert.AreEqual(expected[i], actual[i], Tolerance, $"number {i}");
    }

    private sealed record Golden(string Base, double[] LogitsLast, double[] LogLikelihoods);

    private sealed record BaseGolden(long[] Ids, double[] LogitsLast, int PromptLength, long[] Greedy);
}
