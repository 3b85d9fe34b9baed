using System.Text.Json.Nodes;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Reversible.Storage;
using Microsoft.ML.Reversible.Tests.Models;
using Microsoft.ML.Reversible.Tests.Storage;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Language;

/// <summary>Tests folders of adapters: what is written, what is read, and what is refused.</summary>
[TestClass]
public sealed class AdapterFolderTests
{
    private readonly ScratchFolder _scratch = new();
    private readonly LanguageNetwork _network = TestModels.Make(TestModels.SmallLlama, Scheme.Residual, BackwardMode.Stored);

    private string Folder => _scratch.File("adapter");

    private string Config => _scratch.File("adapter/adapter_config.json");

    [TestCleanup]
    public void Delete()
    {
        _network.Dispose();
        _scratch.Dispose();
    }

    [TestMethod]
    [DataRow("all-linear", """["q_proj","k_proj","v_proj","o_proj","gate_proj","up_proj","down_proj"]""")]
    [DataRow("q_proj, mlp.up_proj", """["q_proj","mlp.up_proj"]""")]
    [DataRow(@".*\.1\..*proj", @""".*\\.1\\..*proj""")]
    [DataRow(@".*\.1\..*proj,o_proj", @"""(?:.*\\.1\\..*proj)|(?:.*\\.)?(?:o_proj)""")]
    public void TargetsAreWrittenAsPeftReadsThemAndReadBack(string targets, string written)
    {
        using LanguageNetwork adapted = Save(Adapters.Settings(targets) with { RankStabilized = true, Dropout = 0.25 });
        JsonNode json = JsonNode.Parse(File.ReadAllText(Config))!;
        Assert.AreEqual(JsonNode.Parse(written)!.ToJsonString(), json["target_modules"]!.ToJsonString());
        Assert.AreEqual((3, 6, true), ((int)json["r"]!, (int)json["lora_alpha"]!, (bool)json["use_rslora"]!));
        Assert.AreEqual("0.25", json["lora_dropout"]!.ToJsonString());
        AssertReadsBack(adapted);
    }

    [TestMethod]
    [DataRow(true, true, false, false)]
    [DataRow(true, true, false, true)]
    [DataRow(true, false, true, true)]
    [DataRow(true, true, true, true)]
    [DataRow(false, true, false, false)]
    [DataRow(false, false, true, false)]
    [DataRow(false, true, true, false)]
    public void TrainedCopiesAndPatternsReadBack(bool tied, bool embedding, bool head, bool unties)
    {
        foreach (LanguageModelConfiguration shape in (LanguageModelConfiguration[])[TestModels.Small, TestModels.SmallLlama])
        {
            using LanguageNetwork network = TestModels.Make(shape with { TiedHead = tied }, Scheme.Residual, BackwardMode.Stored);
            LoraSettings settings = Adapters.Settings() with
            {
                TrainEmbedding = embedding, TrainHead = head, UntiesHead = unties, Alpha = 4.5, BaseName = "some/model",
                RankPattern = [("v_proj|c_fc", 5)], AlphaPattern = [(@".*\.1\..*", 2), ("o_proj", 2.5)],
                Excluded = "up_proj,h.0.mlp.c_proj",
            };
            using LanguageNetwork adapted = Adapters.Randomize(network.WithAdapter(settings, seed: 1));
            AdapterFolder.Save(adapted, Folder);
            AssertReadsBack(adapted, network);
            JsonNode json = JsonNode.Parse(File.ReadAllText(Config))!;
            string[] saved = [.. json["modules_to_save"]!.AsArray().Select(name => (string)name!)];
            string name = shape is GptConfiguration ? "wte" : "embed_tokens";
            bool both = tied && !unties;
            string[] expected = [.. embedding || both ? (string[])[name] : [], .. head || both ? (string[])["lm_head"] : []];
            CollectionAssert.AreEqual(expected, saved);
            Assert.AreEqual(both, (bool)json["ensure_weight_tying"]!);
            Assert.AreEqual("some/model", (string?)json["base_model_name_or_path"]);
        }
    }

    [TestMethod]
    [DataRow("midpoint", "exact")]
    [DataRow("hamiltonian", "float")]
    [DataRow("bdia", "float")]
    public void TheSchemeIsAFieldOfItsOwn(string scheme, string arithmetic)
    {
        using LanguageNetwork adapted = Adapters.Randomize(_network.WithAdapter(
            Adapters.Settings(), seed: 1, Scheme.Parse(scheme), arithmetic: arithmetic == "exact" ? Arithmetic.Exact : Arithmetic.Float));
        AdapterFolder.Save(adapted, Folder);
        Assert.AreEqual(arithmetic, (string?)JsonNode.Parse(File.ReadAllText(Config))!["reversible"]!["arithmetic"]);
        AssertReadsBack(adapted);
    }

    /// <summary>A checkpoint of a run holds the adapter alone; the run's network has the same settings.</summary>
    [TestMethod]
    public void ACheckpointGivesANetworkItsAdapterToTheBit()
    {
        LoraSettings settings = Adapters.Settings("q_proj,v_proj") with { TrainHead = true };
        using LanguageNetwork trained = _network.WithAdapter(settings, seed: 1), resumed = _network.WithAdapter(settings, seed: 2);
        Adapters.Train(trained, 3);
        Directory.CreateDirectory(Folder);
        AdapterFolder.Write(trained, Folder);
        AdapterFolder.ReadWeights(Folder, resumed);
        Assert.IsTrue(TestFolders.SameWeights(trained, resumed));
        using LanguageNetwork other = _network.WithAdapter(settings with { Rank = 4 }, seed: 1);
        StringAssert.Contains(
            Assert.ThrowsExactly<InvalidDataException>(() => AdapterFolder.ReadWeights(Folder, other)).Message, "Of another shape");
    }

    [TestMethod]
    public void AFolderThatIsNoneIsRefused()
    {
        Refuse<DirectoryNotFoundException>("does not exist");
        File.WriteAllText(Folder, "");
        Refuse<DirectoryNotFoundException>("is a file");
        File.Delete(Folder);
        Directory.CreateDirectory(Folder);
        Refuse<FileNotFoundException>("no file 'adapter_config.json'");
        Save(Adapters.Settings()).Dispose();
        string weights = Path.Combine(Folder, "adapter_model.safetensors");
        File.Move(weights, Path.Combine(Folder, "adapter_model.bin"));
        Refuse<FileNotFoundException>("PeftModel.from_pretrained");

        void Refuse<T>(string message) where T : Exception =>
            StringAssert.Contains(Assert.ThrowsExactly<T>(() => AdapterFolder.Load(Folder, _network)).Message, message);
    }

    [TestMethod]
    public void AFolderOfOtherFilesIsNotReplaced()
    {
        Directory.CreateDirectory(Folder);
        File.WriteAllText(Path.Combine(Folder, "letter.txt"), "x");
        Assert.ThrowsExactly<IOException>(() => Save(Adapters.Settings()));
        CollectionAssert.AreEqual(new[] { "letter.txt" }, Directory.GetFiles(Folder).Select(Path.GetFileName).ToArray());
    }

    [TestMethod]
    public void TensorsThatAreNotTheAdaptersAreListed()
    {
        Save(Adapters.Settings("q_proj")).Dispose();
        Change(tensors =>
        {
            tensors.Remove("base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight", out Tensor? a);
            tensors.Add("base_model.model.model.layers.0.self_attn.w_proj.lora_A.weight", a!);
            tensors["base_model.model.model.layers.1.self_attn.q_proj.lora_A.weight"] = zeros([4, 32], device: CPU);
            tensors["base_model.model.model.layers.2.self_attn.q_proj.lora_B.weight"] = zeros([32, 3], dtype: ScalarType.Int64);
        });
        string message = Refusal();
        string[] parts = ["Missing: ", "Not known: ", "Of another shape: ", "[4, 32], which must be [3, 32]", "I64", "w_proj"];
        foreach (string part in parts) StringAssert.Contains(message, part);
    }

    [TestMethod]
    public void ATiedMatrixMustBeTheSameUnderBothNames()
    {
        Save(Adapters.Settings("q_proj") with { TrainHead = true }).Dispose();
        Change(tensors => tensors["base_model.model.lm_head.weight"] += 1);
        StringAssert.Contains(Refusal(), "Not equal, although the model ties them");
        Change(tensors => tensors.Remove("base_model.model.lm_head.weight"));
        using LanguageNetwork adapted = AdapterFolder.Load(Folder, _network);
        Assert.IsTrue(adapted.Configuration.TiedHead);
    }

    /// <summary>PEFT's save_embedding_layers writes embeddings that its file does not list.</summary>
    [TestMethod]
    public void AnEmbeddingThatIsNotListedIsRead()
    {
        Save(Adapters.Settings("q_proj") with { TrainEmbedding = true }).Dispose();
        TestFolders.ChangeJson(Config, json => (json["modules_to_save"], json["ensure_weight_tying"]) = (null, false));
        using LanguageNetwork adapted = AdapterFolder.Load(Folder, _network);
        Assert.IsTrue(adapted.Configuration.TiedHead);
        Assert.HasCount(2, adapted.TrainedCopies());
    }

    [TestMethod]
    [DataRow("peft_type", "\"LOHA\"")]
    [DataRow("task_type", "\"SEQ_CLS\"")]
    [DataRow("bias", "\"all\"")]
    [DataRow("use_dora", "true")]
    [DataRow("lora_bias", "true")]
    [DataRow("layers_to_transform", "[0]")]
    [DataRow("layer_replication", "[[0, 2]]")]
    [DataRow("alora_invocation_tokens", "[1]")]
    [DataRow("trainable_token_indices", "[5]")]
    [DataRow("target_parameters", "[\"experts\"]")]
    [DataRow("use_qalora", "true")]
    [DataRow("arrow_config", "{\"top_k\": 3}")]
    [DataRow("kasa_config", "{\"beta\": 1}")]
    [DataRow("a_field_of_a_later_version", "1")]
    [DataRow("init_lora_weights", "\"pissa\"")]
    [DataRow("init_lora_weights", "\"olora\"")]
    [DataRow("init_lora_weights", "\"loftq\"")]
    [DataRow("modules_to_save", "[\"norm\"]")]
    [DataRow("r", "0")]
    [DataRow("r", "null")]
    [DataRow("r", "2147483647", "Of another shape")]
    [DataRow("lora_alpha", "\"much\"")]
    [DataRow("lora_alpha", "-1")]
    [DataRow("lora_dropout", "1")]
    [DataRow("rank_pattern", "{\"q_proj\": 0}", "r must be at least 1")]
    [DataRow("rank_pattern", "[1]")]
    [DataRow("target_modules", "null")]
    [DataRow("target_modules", "[]")]
    [DataRow("target_modules", "\"(q_proj\"", "(q_proj")]
    [DataRow("target_modules", "[1]")]
    [DataRow("target_modules", "[\"c_attn\"]")]
    [DataRow("exclude_modules", "[\"q_proj\"]", "matches no matrix")]
    [DataRow("reversible", "{\"scheme\": \"none\"}", "none")]
    public void FieldsThatWouldChangeTheNumbersAreRefusedByName(string field, string value, string? named = null)
    {
        Save(Adapters.Settings("q_proj")).Dispose();
        TestFolders.ChangeJson(Config, json => json[field] = JsonNode.Parse(value));
        StringAssert.Contains(Refusal(), named ?? field);
    }

    [TestMethod]
    [DataRow("rank_pattern", "x", 1000)]
    [DataRow("alpha_pattern", "(?!y)x", 10)]
    public void TheNumberOfPatternsIsLimited(string field, string pattern, int most)
    {
        Save(Adapters.Settings("q_proj")).Dispose();
        Write(most);
        AdapterFolder.Load(Folder, _network).Dispose();
        Write(most + 1);
        StringAssert.Contains(Refusal(), $"its {field} has {most + 1} patterns");
        StringAssert.Contains(Refusal(), $"more than the {most} that are read");

        void Write(int count) => TestFolders.ChangeJson(Config, json => json[field] = new JsonObject(
            Enumerable.Range(0, count).Select(i => KeyValuePair.Create(pattern + i, (JsonNode?)JsonValue.Create(2)))));
    }

    [TestMethod]
    [DataRow("init_lora_weights", "\"gaussian\"")]
    [DataRow("init_lora_weights", "false")]
    [DataRow("loftq_config", "null")]
    [DataRow("task_type", "null")]
    [DataRow("fan_in_fan_out", "true")]
    [DataRow("inference_mode", "false")]
    [DataRow("peft_version", "\"0.5.0\"")]
    [DataRow("target_modules", "[\"q_proj\", \"w_proj\"]")]
    [DataRow("target_modules", "\".*q_proj\"")]
    [DataRow("exclude_modules", "[\"v_proj\"]")]
    [DataRow("a_field_of_a_later_version", "false")]
    public void FieldsThatChangeNothingAreRead(string field, string value)
    {
        using LanguageNetwork adapted = Save(Adapters.Settings("q_proj"));
        TestFolders.ChangeJson(Config, json => json[field] = JsonNode.Parse(value));
        AssertReadsBack(adapted);
    }

    private LanguageNetwork Save(LoraSettings settings)
    {
        LanguageNetwork adapted = Adapters.Randomize(_network.WithAdapter(settings, seed: 1));
        try
        {
            AdapterFolder.Save(adapted, Folder);
            return adapted;
        }
        catch
        {
            adapted.Dispose();
            throw;
        }
    }

    private void AssertReadsBack(LanguageNetwork adapted, LanguageNetwork? network = null)
    {
        using LanguageNetwork read = AdapterFolder.Load(Folder, network ?? _network);
        Assert.IsTrue(TestFolders.SameWeights(adapted, read));
        Assert.AreEqual((adapted.Stack.Scheme, adapted.Stack.Arithmetic), (read.Stack.Scheme, read.Stack.Arithmetic));
        Assert.AreEqual(adapted.Configuration.TiedHead, read.Configuration.TiedHead);
        CollectionAssert.AreEqual(
            adapted.AdapterWeights().Select(weight => weight.Name).ToArray(),
            read.AdapterWeights().Select(weight => weight.Name).ToArray());
        CollectionAssert.AreEqual(TestFolders.Logits(adapted, 1, 2, 3, 4, 5), TestFolders.Logits(read, 1, 2, 3, 4, 5));
    }

    private string Refusal() => Assert.ThrowsExactly<InvalidDataException>(() => AdapterFolder.Load(Folder, _network)).Message;

    private void Change(Action<Dictionary<string, Tensor>> change)
    {
        using var scope = NewDisposeScope();
        string path = Path.Combine(Folder, "adapter_model.safetensors");
        Dictionary<string, Tensor> tensors;
        using (SafeTensorsFile file = SafeTensorsFile.Open(path))
            tensors = file.Names.ToDictionary(name => name, name => TensorStorage.Read(file, name));
        change(tensors);
        SafeTensorsWriter.Write(path, [.. tensors.Select(t => TensorStorage.Source(t.Key, t.Value))]);
    }
}
