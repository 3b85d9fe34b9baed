using System.Text.Json.Nodes;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Storage;
using Microsoft.ML.Reversible.Tests.Storage;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Language;

/// <summary>Networks of both families through folders and back.</summary>
[TestClass]
public sealed class PretrainedFolderTests
{
    private readonly ScratchFolder _scratch = new();

    public static IEnumerable<object[]> Shapes =>
        from tied in new[] { true, false }
        from shape in new LanguageModelConfiguration[]
        {
            TestModels.Small,
            TestModels.Small with { MlpWidth = 40, Activation = Activation.Relu, NormEpsilon = 1e-6 },
            TestModels.SmallLlama,
            TestModels.SmallLlama with { KeyValueHeadCount = 1, HeadWidth = 6, MlpWidth = 50, RopeTheta = 500000 },
        }
        select new object[] { shape with { TiedHead = tied } };

    [TestCleanup]
    public void Delete() => _scratch.Dispose();

    [TestMethod]
    [DynamicData(nameof(Shapes))]
    public void TheDeclaredWeightsAreThoseOfTheNetwork(LanguageModelConfiguration shape)
    {
        using LanguageNetwork network = TestModels.Make(shape, Scheme.Residual, BackwardMode.Stored);
        CollectionAssert.AreEquivalent(
            network.Weights().Select(weight => Show(weight.Name, weight.View().shape)).ToArray(),
            shape.DeclaredWeights().Select(declared => Show(declared.Name, declared.FileShape)).ToArray());

        static string Show(string name, long[] shape) => $"{name} [{string.Join(", ", shape)}]";
    }

    [TestMethod]
    [DynamicData(nameof(Shapes))]
    public void ANetworkComesBackToTheBit(LanguageModelConfiguration shape)
    {
        using LanguageNetwork network = TestModels.Make(shape, Scheme.Residual, BackwardMode.Stored);
        TestFolders.Save(network, _scratch.File("m"));
        using LanguageModel loaded = TestFolders.Load(_scratch.File("m"));
        Assert.AreEqual(shape.HiddenWidth, loaded.Network.Configuration.HiddenWidth);
        Assert.IsTrue(TestFolders.SameWeights(network, loaded.Network));
        CollectionAssert.AreEqual(TestFolders.Logits(network, 3, 1, 4), TestFolders.Logits(loaded.Network, 3, 1, 4));
    }

    [TestMethod]
    public void BdiaThatIsWrittenIntoAFoldersConfigurationByHandTakesItsWeightsOverOn24Bits()
    {
        TestFolders.SaveRandom(_scratch.File("m"), TestModels.SmallLlama, Scheme.Bdia);
        string config = _scratch.File("m/config.json"), text = File.ReadAllText(config);
        StringAssert.Contains(text, "signs=random,bits=9,");
        File.WriteAllText(config, text.Replace("bits=9,", "", StringComparison.Ordinal));
        using LanguageModel loaded = TestFolders.Load(_scratch.File("m"));
        Assert.AreEqual(new Bdia { Bits = 24 }, loaded.Network.Stack.Scheme);
    }

    [TestMethod]
    [DataRow("midpoint:0.25")]
    [DataRow("hamiltonian")]
    [DataRow("bdia:k=16,signs=positive,bits=9,inference=recurrence")]
    public void ALlamaKeepsItsScheme(string scheme)
    {
        TestFolders.SaveRandom(_scratch.File("m"), TestModels.SmallLlama, Scheme.Parse(scheme));
        using LanguageModel loaded = TestFolders.Load(_scratch.File("m"));
        Assert.AreEqual(Scheme.Parse(scheme), loaded.Network.Stack.Scheme);
    }

    [TestMethod]
    public void ABlendIsWrittenByItsShortName()
    {
        TestFolders.SaveRandom(_scratch.File("m"), TestModels.SmallLlama, Bdia.Blend(8));
        Assert.AreEqual("blend:8", (string?)Config()["reversible"]!["scheme"]);
        using LanguageModel loaded = TestFolders.Load(_scratch.File("m"));
        Assert.AreEqual(Bdia.Blend(8), loaded.Network.Stack.Scheme);
    }

    [TestMethod]
    [DataRow(WeightPrecision.BFloat16, ScalarType.BFloat16, "bfloat16", "BF16")]
    [DataRow(WeightPrecision.Float16, ScalarType.Float16, "float16", "F16")]
    public void HalfTheBytesHoldTheRoundedWeights(WeightPrecision precision, ScalarType type, string named, string dtype)
    {
        using var scope = NewDisposeScope();
        using LanguageNetwork network = TestModels.Make(TestModels.SmallLlama, Scheme.Residual, BackwardMode.Stored);
        TestFolders.Save(network, _scratch.File("m"), precision);
        using LanguageModel loaded = TestFolders.Load(_scratch.File("m"));
        foreach (var (own, read) in network.parameters().Zip(loaded.Network.parameters()))
            Assert.IsTrue(TestModels.SameBits(own.detach().to(type).to(ScalarType.Float32), read));
        Assert.AreEqual(named, (string?)Config()["torch_dtype"]);
        using SafeTensorsFile file = SafeTensorsFile.Open(_scratch.File("m/model.safetensors"));
        Assert.IsTrue(file.Names.All(name => file.Info(name).Dtype == dtype));
    }

    [TestMethod]
    public void AWeightBeyondHalfPrecisionIsRefusedAndTheOldFolderStays()
    {
        using LanguageNetwork network = TestModels.Make(TestModels.Small, Scheme.Residual, BackwardMode.Stored);
        TestFolders.Save(network, _scratch.File("m"));
        byte[] before = File.ReadAllBytes(_scratch.File("m/model.safetensors"));
        using (no_grad()) network.parameters().First().view(-1).narrow(0, 7, 1).fill_(70000);

        var e = Assert.ThrowsExactly<InvalidOperationException>(
            () => TestFolders.Save(network, _scratch.File("m"), WeightPrecision.Float16));

        StringAssert.Contains(e.Message, "wte.weight");
        CollectionAssert.AreEqual(new[] { "m" }, _scratch.Entries);
        CollectionAssert.AreEqual(before, File.ReadAllBytes(_scratch.File("m/model.safetensors")));
    }

    [TestMethod]
    [DataRow(1L)]
    [DataRow(9000L)]
    [DataRow(20000L)]
    public void ALargeModelBecomesSeveralFilesWithAnIndex(long maxShardBytes)
    {
        using LanguageNetwork network = TestModels.Make(
            TestModels.SmallLlama with { TiedHead = false }, Scheme.Residual, BackwardMode.Stored);
        TestFolders.Save(network, _scratch.File("m"), maxShardBytes: maxShardBytes);

        string[] shards = [.. Directory.GetFiles(_scratch.File("m"), "*.safetensors").Order()];
        JsonNode index = JsonNode.Parse(File.ReadAllText(_scratch.File("m/model.safetensors.index.json")))!;
        Assert.AreEqual(network.Configuration.ParameterCount * 4, (long)index["metadata"]!["total_size"]!);
        Assert.AreEqual($"model-00001-of-{shards.Length:D5}.safetensors", Path.GetFileName(shards[0]));
        Assert.AreEqual(Path.GetFileName(shards[^1]), (string?)index["weight_map"]!["lm_head.weight"]);
        foreach (string shard in shards)
        {
            using SafeTensorsFile file = SafeTensorsFile.Open(shard);
            long bytes = file.Names.Sum(name => file.Info(name).Length);
            Assert.IsTrue(bytes <= maxShardBytes || file.Names.Count == 1, $"{bytes} bytes in {shard}");
        }
        using LanguageModel loaded = TestFolders.Load(_scratch.File("m"));
        Assert.IsTrue(TestFolders.SameWeights(network, loaded.Network));
    }

    [TestMethod]
    public void AModelSavedWholeOverAShardedOneLeavesNoShards()
    {
        TestFolders.SaveRandom(_scratch.File("m"), TestModels.Small, maxShardBytes: 10000);
        TestFolders.SaveRandom(_scratch.File("m"), TestModels.Small);
        CollectionAssert.AreEquivalent(
            new[] { "config.json", "model.safetensors" }, Directory.GetFiles(_scratch.File("m")).Select(Path.GetFileName).ToArray());
    }

    [TestMethod]
    public void AResidualLlamaSpeaksHuggingFacesWordsAndNoOthers()
    {
        TestFolders.SaveRandom(_scratch.File("m"), TestModels.SmallLlama with { RopeTheta = 500000, TiedHead = false });
        JsonObject config = Config();
        Assert.AreEqual("LlamaForCausalLM", (string?)config["architectures"]![0]);
        Assert.AreEqual("llama", (string?)config["model_type"]);
        Assert.AreEqual(500000, (double)config["rope_theta"]!);
        Assert.AreEqual(2, (int)config["num_key_value_heads"]!);
        Assert.AreEqual(96, (int)config["intermediate_size"]!);
        Assert.IsFalse((bool)config["tie_word_embeddings"]!);
        Assert.IsFalse(config.ContainsKey("reversible"));
    }

    [TestMethod]
    public void TheIdsOfBeginAndEndAreWrittenBackAsTheyWere()
    {
        TestFolders.SaveRandom(_scratch.File("m"), TestModels.SmallLlama);
        TestFolders.ChangeJson(_scratch.File("m/config.json"), config =>
        {
            config["bos_token_id"] = 7;
            config["eos_token_id"] = new JsonArray(8, 9);
        });
        using (LanguageModel model = TestFolders.Load(_scratch.File("m"))) PretrainedFolder.Save(model, _scratch.File("m"));
        Assert.AreEqual(7, (int)Config()["bos_token_id"]!);
        Assert.AreEqual("[8,9]", Config()["eos_token_id"]!.ToJsonString());
    }

    [TestMethod]
    public void WhatNeedsTextSaysThatAModelHasNoTokenizer()
    {
        var ml = new MLContext(seed: 1);
        TestFolders.SaveRandom(_scratch.File("m"), TestModels.Small);
        using ReversibleLmTransformer model = ml.Reversible().LoadPretrained(_scratch.File("m"));
        StringAssert.Contains(Assert.ThrowsExactly<InvalidOperationException>(() => model.Generate("a")).Message, "tokenizerPath");
        StringAssert.Contains(
            Assert.ThrowsExactly<InvalidOperationException>(() => Corpus.Scores(ml, model, "a")).Message, "tokenizerPath");
    }

    [TestMethod]
    public void ATokenizerFromElsewhereServesAModelWithoutOne()
    {
        var ml = new MLContext(seed: 1);
        using ReversibleLmTransformer trained = Corpus.Train(ml, o => o.MaxSteps = 1);
        trained.SavePretrained(_scratch.File("m"));
        Directory.CreateDirectory(_scratch.File("t"));
        foreach (string file in new[] { "vocab.json", "merges.txt", "tokenizer_config.json" })
            File.Move(_scratch.File("m/" + file), _scratch.File("t/" + file));

        using ReversibleLmTransformer model = ml.Reversible().LoadPretrained(_scratch.File("m"), tokenizerPath: _scratch.File("t"));

        Assert.AreEqual(trained.Generate("the", maxTokens: 5, seed: 3), model.Generate("the", maxTokens: 5, seed: 3));
    }

    [TestMethod]
    public void OptionsOfSavingThatThereAreNotAreRefused()
    {
        using ReversibleLmTransformer model = Corpus.Train(new MLContext(seed: 1), o => o.MaxSteps = 1);
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(
            () => model.SavePretrained(_scratch.File("m"), maxShardBytes: 0)).Message, "maxShardBytes");
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(
            () => model.SavePretrained(_scratch.File("m"), (WeightPrecision)9)).Message, "BFloat16");
    }

    private JsonObject Config() => JsonNode.Parse(File.ReadAllText(_scratch.File("m/config.json")))!.AsObject();
}
