using System.Text.Json.Nodes;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Storage;
using Microsoft.ML.Reversible.Tests.Language;
using Microsoft.ML.Reversible.Tests.Storage;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Models;

/// <summary>
/// Tests files that hold a shared matrix under one of its two names, and indexes that differ from their files harmlessly.
/// </summary>
[TestClass]
public sealed class TwinWeightsTests
{
    private const string Head = "lm_head.weight";
    private readonly ScratchFolder _scratch = new();

    public static IEnumerable<object[]> Tied =>
        from family in new (LanguageModelConfiguration Shape, string Embedding)[]
        {
            (TestModels.Small, "transformer.wte.weight"), (TestModels.SmallLlama with { TiedHead = true }, "model.embed_tokens.weight"),
        }
        from prefixed in new[] { true, false }
        select new object[] { family.Shape, family.Embedding, prefixed };

    [TestCleanup]
    public void Delete() => _scratch.Dispose();

    [TestMethod]
    [DynamicData(nameof(Tied))]
    public void ATiedModelMayHaveItsMatrixAsTheHeadAlone(LanguageModelConfiguration shape, string embedding, bool prefixed)
    {
        TestFolders.SaveRandom(_scratch.File("m"), shape);
        using LanguageModel before = TestFolders.Load(_scratch.File("m"));
        TestFolders.ChangeTensors(_scratch.File("m"), tensors =>
        {
            tensors[Head] = tensors[embedding];
            tensors.Remove(embedding);
            if (prefixed) return;
            foreach (string name in tensors.Keys.Where(name => name != Head).ToArray())
            {
                tensors[name[(name.IndexOf('.') + 1)..]] = tensors[name];
                tensors.Remove(name);
            }
        });
        using LanguageModel after = TestFolders.Load(_scratch.File("m"));
        Assert.IsTrue(TestFolders.SameWeights(before.Network, after.Network));
    }

    [TestMethod]
    public void AHeadThatTheMetadataCallsTheTwinOfTheEmbeddingHasItsValues()
    {
        TestFolders.SaveRandom(_scratch.File("m"), TestModels.SmallLlama with { TiedHead = false });
        string path = _scratch.File("m/model.safetensors");
        TestFolders.ChangeTensors(_scratch.File("m"), tensors => tensors.Remove(Head));
        using (var scope = NewDisposeScope())
        {
            Dictionary<string, Tensor> tensors;
            using (SafeTensorsFile file = SafeTensorsFile.Open(path))
                tensors = file.Names.ToDictionary(name => name, name => TensorStorage.Read(file, name));
            SafeTensorsWriter.Write(
                path, [.. tensors.Select(t => TensorStorage.Source(t.Key, t.Value))],
                new Dictionary<string, string> { [Head] = "model.embed_tokens.weight" });
        }
        using LanguageModel model = TestFolders.Load(_scratch.File("m"));
        Assert.IsFalse(model.Network.Configuration.TiedHead);
        Assert.IsTrue(TestModels.SameBits(model.Network.HeadWeight, model.Network.EmbeddingWeights.First()));
    }

    [TestMethod]
    public void ASecondMatrixThatDiffersIsRefused()
    {
        TestFolders.SaveRandom(_scratch.File("m"), TestModels.Small);
        TestFolders.ChangeTensors(_scratch.File("m"), tensors => tensors[Head] = tensors["transformer.wte.weight"] + 1);
        StringAssert.Contains(Refused(), "Not equal, although tie_word_embeddings is true in config.json: lm_head.weight and");
    }

    [TestMethod]
    public void BuffersThatTheIndexLeavesOutAreNoTroubleButOtherTensorsAre()
    {
        TestFolders.SaveRandom(_scratch.File("m"), TestModels.SmallLlama, maxShardBytes: 20000);
        string last = Directory.GetFiles(_scratch.File("m"), "*.safetensors").Order().Last();
        Add("model.layers.0.self_attn.rotary_emb.inv_freq");
        Add("model.position_ids");
        ChangeIndex(map => map["model.rotary_emb.inv_freq"] = Path.GetFileName(last));
        TestFolders.Load(_scratch.File("m")).Dispose();
        Add("model.layers.0.mlp.extra.weight");
        StringAssert.Contains(Refused(), "Not in the index: model.layers.0.mlp.extra.weight");

        void Add(string name)
        {
            using var scope = NewDisposeScope();
            Dictionary<string, Tensor> tensors;
            using (SafeTensorsFile file = SafeTensorsFile.Open(last))
                tensors = file.Names.ToDictionary(known => known, known => TensorStorage.Read(file, known));
            tensors[name] = ones([4]);
            SafeTensorsWriter.Write(last, [.. tensors.Select(t => TensorStorage.Source(t.Key, t.Value))]);
        }
    }

    [TestMethod]
    public void AnIndexMayNameTheTiedHeadWithoutAFileThatHasIt()
    {
        TestFolders.SaveRandom(_scratch.File("m"), TestModels.Small, maxShardBytes: 20000);
        ChangeIndex(map => map[Head] = (string?)map["transformer.wte.weight"]);
        TestFolders.Load(_scratch.File("m")).Dispose();
        ChangeIndex(map => map["transformer.more.weight"] = (string?)map["transformer.wte.weight"]);
        StringAssert.Contains(Refused(), "Not where the index says: transformer.more.weight");
    }

    [TestMethod]
    public void AnIndexMayHaveOtherFormsThatMeanTheSame()
    {
        TestFolders.SaveRandom(_scratch.File("m"), TestModels.Small, maxShardBytes: 20000);
        File.WriteAllText(_scratch.File("m/model-00009-of-00009.safetensors"), "named nowhere");
        string index = _scratch.File("m/model.safetensors.index.json");
        TestFolders.ChangeJson(index, json =>
        {
            json.Remove("metadata");
            json["made_by"] = new JsonObject();
            foreach ((string tensor, JsonNode? file) in json["weight_map"]!.AsObject().ToArray()) json["weight_map"]![tensor] = $"./{file}";
        });
        File.WriteAllText(index, "\ufeff" + File.ReadAllText(index) + "\r\n \n");
        TestFolders.Load(_scratch.File("m")).Dispose();
        TestFolders.ChangeJson(index, json => json["metadata"] = new JsonObject { ["total_size"] = 1.5 });
        TestFolders.Load(_scratch.File("m")).Dispose();
    }

    /// <summary>Case 10 of the shared cases: each folder is the same model.</summary>
    [TestMethod]
    [DataRow("a-inv-freq")]
    [DataRow("b-index-names-lm-head")]
    [DataRow("c-head-only")]
    public void TheSharedFormsAreTheSameModel(string form)
    {
        using LanguageModel expected = TestFolders.Load(TestData.Require("stories260k/hf-llama-form"));
        using LanguageModel model = TestFolders.Load(TestData.Require("../cases/10-shards-and-index/" + form));
        Assert.IsTrue(TestFolders.SameWeights(expected.Network, model.Network));
    }

    private void ChangeIndex(Action<JsonObject> change) => TestFolders.ChangeJson(
        _scratch.File("m/model.safetensors.index.json"), index => change(index["weight_map"]!.AsObject()));

    private string Refused() =>
        Assert.ThrowsExactly<InvalidDataException>(() => TestFolders.Load(_scratch.File("m")).Dispose()).Message;
}
