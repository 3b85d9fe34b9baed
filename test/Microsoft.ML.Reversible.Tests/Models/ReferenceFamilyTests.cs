using System.Text.Json;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Reversible.Storage;
using Microsoft.ML.Reversible.Tests.Language;
using Microsoft.ML.Reversible.Tests.Storage;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Models;

/// <summary>Tests the decoder families against small random models and the results that transformers has for them.</summary>
[TestClass]
public sealed class ReferenceFamilyTests
{
    private const double Tolerance = 1e-4;
    private const string OldForm = "config.transformers4.json";

    private static readonly string[] _names =
    [
        "gpt2-large-like", "llama3-rope", "llama-linear-rope", "llama-dynamic-rope", "llama-yarn-rope", "llama-biases-head-dim", "mistral",
        "mistral-sliding-window", "qwen2", "qwen3", "qwen3-tied-deep", "phi3", "gemma2", "gemma2-alternating", "gemma3-text", "smollm3",
        "olmo2",
    ];

    private readonly ScratchFolder _scratch = new();

    public static IEnumerable<object[]> Names => _names.Select(name => new object[] { name });

    public static IEnumerable<object[]> Forms =>
        from name in _names
        from form in (string[])["config.json", OldForm]
        where name != "gpt2-large-like" || form != OldForm
        select new object[] { name, form };

    public static IEnumerable<object[]> ExactSchemes =>
        from name in _names
        from scheme in (string[])["midpoint", "blend:16"]
        select new object[] { name, scheme };

    [TestCleanup]
    public void DeleteScratch() => _scratch.Dispose();

    [TestMethod]
    [DynamicData(nameof(Forms))]
    public void TheResultsAreThoseOfTransformers(string name, string form)
    {
        Golden golden = Read(name);
        using LanguageModel model = TestFolders.Load(Folder(name, form));
        int vocabulary = model.Network.Configuration.VocabularySize;

        AssertClose(golden.logits_last, TestFolders.Logits(model.Network, golden.ids)[^vocabulary..]);
        AssertClose(golden.log_likelihoods, LogLikelihoods(model.Network, golden.ids));
        long[] prompt = golden.ids[..golden.prompt_length], greedy = Greedy(model.Network, prompt, golden.greedy.Length);
        CollectionAssert.AreEqual(TestFolders.Greedy(model.Network, prompt, golden.greedy.Length), greedy, "without the cache");
        // The reference's text of this model does not follow from the reference's own logits.
        if (name != "mistral-sliding-window") CollectionAssert.AreEqual(golden.greedy, greedy);
        Assert.AreEqual(model.Network.Configuration.ParameterCount, model.Network.parameters().Sum(p => p.numel()));
    }

    /// <summary>A sequence, parts of it that share its beginning with others, and one that has nothing in common with them.</summary>
    [TestMethod]
    [DynamicData(nameof(Names))]
    public void SequencesThatShareARowScoreAsAlone(string name)
    {
        Golden golden = Read(name);
        using LanguageModel model = TestFolders.Load(Folder(name, "config.json"));
        int[] ids = [.. golden.ids.Select(id => (int)id)];
        int[][] all = [ids, [.. ids[..20], .. ids[5..25]], [.. ids[..20], .. ids[9..17]], ids[20..30], [.. ids[..27], .. ids[..4]]];
        // The last token of a sequence is no input. The reference evaluated all ids, so one more is appended.
        ScoredTokens[] sequences = [.. all.Select(tokens => new ScoredTokens([.. tokens, 0], tokens.Length))];

        TokenTreeBatch.Result[] results = [.. new LogLikelihoodScorer(model).Batches(sequences)
            .SelectMany(rows => new TokenTreeBatch(model.Network, rows).Run())];

        AssertClose(golden.log_likelihoods, Of(0)[..^1]);
        for (int i = 1; i < all.Length; i++)
            AssertClose([.. LogLikelihoods(model.Network, [.. all[i].Select(id => (long)id)]).Select(x => (double)x)], Of(i)[..^1]);

        float[] Of(int sequence) => [.. results.Where(r => r.Sequence == sequence).Select(r => r.LogLikelihood)];
    }

    [TestMethod]
    [DynamicData(nameof(Names))]
    public void RowsOfABatchContinueAsAlone(string name)
    {
        Golden golden = Read(name);
        using LanguageModel model = TestFolders.Load(Folder(name, "config.json"));
        int[] ids = [.. golden.ids.Select(id => (int)id)];
        int[][] prompts = [ids[..40], ids[3..8], ids[..22], ids[7..45]];
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        using var together = new SequenceBatch(model.Network, prompts);
        SequenceBatch[] alone = [.. prompts.Select(prompt => new SequenceBatch(model.Network, [prompt]))];
        AssertRows(together.Read(), batch => batch.Read());
        foreach (int id in ids[..6]) AssertRows(together.Append([id, id, id, id]), batch => batch.Append([id]));
        foreach (SequenceBatch batch in alone) batch.Dispose();

        void AssertRows(Tensor rows, Func<SequenceBatch, Tensor> one)
        {
            for (int i = 0; i < alone.Length; i++)
                AssertClose([.. one(alone[i]).data<float>().Select(x => (double)x)], rows[i].data<float>().ToArray());
        }
    }

    [TestMethod]
    [DynamicData(nameof(Forms))]
    public void ASavedFolderHoldsTheSameModel(string name, string form)
    {
        string folder = Folder(name, form), saved = _scratch.File("saved");
        using LanguageModel model = TestFolders.Load(folder);
        TestFolders.Save(model.Network, saved);
        using LanguageModel again = TestFolders.Load(saved);

        Assert.AreEqual(LanguageTask.Describe(model.Network.Configuration), LanguageTask.Describe(again.Network.Configuration));
        Assert.IsTrue(TestFolders.SameWeights(model.Network, again.Network));
        long[] ids = Read(name).ids;
        CollectionAssert.AreEqual(TestFolders.Logits(model.Network, ids), TestFolders.Logits(again.Network, ids));
        using SafeTensorsFile expected = SafeTensorsFile.Open(Path.Combine(folder, "model.safetensors"));
        using SafeTensorsFile actual = SafeTensorsFile.Open(Path.Combine(saved, "model.safetensors"));
        CollectionAssert.AreEquivalent(expected.Names.ToArray(), actual.Names.ToArray());
        using JsonDocument given = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "config.json")));
        using JsonDocument written = JsonDocument.Parse(File.ReadAllText(Path.Combine(saved, "config.json")));
        foreach (string field in (string[])["architectures", "model_type", "layer_types", "no_rope_layers", "sliding_window"])
            if (given.RootElement.TryGetProperty(field, out JsonElement value))
                Assert.AreEqual(JsonSerializer.Serialize(value), JsonSerializer.Serialize(written.RootElement.GetProperty(field)), field);
    }

    [TestMethod]
    [DynamicData(nameof(ExactSchemes))]
    public void ExactGradientsOfTheReversibleModeEqualTheStoredOnesToTheBit(string name, string scheme)
    {
        string folder = Folder(name, "config.json");
        using var scope = NewDisposeScope();
        Tensor ids = tensor(Read(name).ids, [1, 48]).repeat(2, 1), targets = ids.roll(-1, 1).flatten();
        Tensor[] stored = Gradients(BackwardMode.Stored), reversible = Gradients(BackwardMode.Reversible);
        Assert.IsTrue(stored.All(gradient => gradient.isfinite().all().item<bool>()));
        Assert.AreEqual(0, stored.Zip(reversible).Count(pair => !TestModels.SameBits(pair.First, pair.Second)));

        Tensor[] Gradients(BackwardMode mode)
        {
            LanguageModelConfiguration shape = ConfigurationFile.Read(Path.Combine(folder, "config.json")).Configuration;
            using LanguageNetwork network = TestModels.Make(shape, Scheme.Parse(scheme), mode, arithmetic: Arithmetic.Exact);
            PretrainedFolder.ReadWeights(folder, network);
            LanguageModelLoss.Differentiate(network, ids, targets, new(1.0 / 96, 1));
            return [.. network.parameters().Select(parameter => parameter.grad!.clone())];
        }
    }

    private static Golden Read(string name) =>
        JsonSerializer.Deserialize<Golden>(File.ReadAllText(TestData.Require($"reference-models/models/{name}/golden.json")))!;

    /// <summary>Log-likelihoods of all ids but the first, all of them evaluated in one pass.</summary>
    private static float[] LogLikelihoods(LanguageNetwork network, long[] ids)
    {
        using var scope = NewDisposeScope();
        Tensor targets = tensor((long[])[.. ids[1..], ChunkedCrossEntropy.Ignored]);
        return LanguageModelLoss.LogLikelihood(network, tensor(ids, [1, ids.Length]), targets).data<float>().ToArray()[..^1];
    }

    private static long[] Greedy(LanguageNetwork network, long[] prompt, int count)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        using var batch = new SequenceBatch(network, [[.. prompt.Select(id => (int)id)]]);
        var ids = new List<long>();
        for (Tensor logits = batch.Read(); ids.Count < count; logits = batch.Append([(int)ids[^1]])) ids.Add(logits.argmax().item<long>());
        return [.. ids];
    }

    private static void AssertClose(double[] expected, float[] actual)
    {
        Assert.HasCount(expected.Length, actual);
        for (int i = 0; i < expected.Length; i++) Assert.AreEqual(expected[i], actual[i], Tolerance, $"number {i}");
    }

    /// <summary>Copies a reference model with a form of its configuration.</summary>
    private string Folder(string name, string form)
    {
        string source = TestData.Require($"reference-models/models/{name}"), folder = _scratch.File(name);
        Directory.CreateDirectory(folder);
        File.WriteAllBytes(Path.Combine(folder, "config.json"), File.ReadAllBytes(Path.Combine(source, form)));
        File.WriteAllBytes(Path.Combine(folder, "model.safetensors"), File.ReadAllBytes(Path.Combine(source, "model.safetensors")));
        return folder;
    }

    private sealed record Golden(long[] ids, double[] logits_last, double[] log_likelihoods, int prompt_length, long[] greedy);
}
