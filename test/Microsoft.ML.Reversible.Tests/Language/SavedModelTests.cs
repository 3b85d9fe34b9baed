using System.Text.Json;
using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Benchmarks;
using Microsoft.ML.Reversible.Storage;

namespace Microsoft.ML.Reversible.Tests.Language;

[TestClass]
public sealed class SavedModelTests
{
    private static readonly MLContext Ml = new(seed: 1);
    private static readonly string[] Texts = ["the red fox", "", "é 漢字 🦊", "the red fox number 7 jumps over the blue dog and on"];
    private static ReversibleLmTransformer _model = null!;
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("reversible-test-");

    [ClassInitialize]
    public static void Train(TestContext _) => _model = Corpus.Train(Ml, o => (o.MaxSteps, o.Scheme) = (30, new Midpoint(0.25)));

    [ClassCleanup]
    public static void Free() => _model.Dispose();

    [TestCleanup]
    public void Delete() => _folder.Delete(recursive: true);

    private string At(string name) => Path.Combine(_folder.FullName, name);

    [TestMethod]
    [DataRow(TextTokenization.Byte)]
    [DataRow(TextTokenization.Character)]
    [DataRow(TextTokenization.Bpe)]
    public void APretrainedFolderGivesTheSameModelBack(TextTokenization tokenization)
    {
        using ReversibleLmTransformer model = Corpus.Train(Ml,
            o =>
            {
                (o.Tokenization, o.MaxSteps, o.Activation) = (tokenization, 3, Activation.GeluTanh);
                if (tokenization == TextTokenization.Bpe) o.VocabularySize = 270;
            });
        model.SavePretrained(At("m"));
        using ReversibleLmTransformer loaded = Ml.Reversible().LoadPretrained(At("m"));
        Assert.AreEqual(model.Configuration, loaded.Configuration);
        Assert.AreEqual(model.Scheme, loaded.Scheme);
        Assert.IsTrue(model.Network.parameters().Zip(loaded.Network.parameters(), TestModels.SameBits).All(same => same));
        Assert.AreEqual(model.Generate("the", maxTokens: 20, seed: 2), loaded.Generate("the", maxTokens: 20, seed: 2));
        Assert.IsNull(loaded.Metrics);
    }

    [TestMethod]
    [DataRow("midpoint-a:0.5")]
    [DataRow("hamiltonian")]
    [DataRow("bdia:k=16,signs=positive,inference=recurrence")]
    [DataRow("leapfrog:0.25,start=euler,read-out=mean")]
    public void EverySchemeSurvivesTheFolder(string scheme)
    {
        using ReversibleLmTransformer model = Corpus.Train(Ml, o => (o.Scheme, o.MaxSteps) = (Scheme.Parse(scheme), 3));
        model.SavePretrained(At("m"));
        using ReversibleLmTransformer loaded = Ml.Reversible().LoadPretrained(At("m"));
        Assert.AreEqual(model.Scheme, loaded.Scheme);
        Assert.AreEqual(model.Network.Stack.Arithmetic, loaded.Network.Stack.Arithmetic);
        Assert.AreEqual(Corpus.Scores(Ml, model, Texts[0])[0].LogLikelihood, Corpus.Scores(Ml, loaded, Texts[0])[0].LogLikelihood);
    }

    [TestMethod]
    [DataRow("midpoint-a:0.5,1.25", "float", "factors")]
    [DataRow("midpoint-a:0.5", "exact", "grid")]
    [DataRow("euler", "float", "no scheme")]
    [DataRow("midpoint:0.5", "rational", "rational")]
    public void ASchemeThatTheModelCannotHaveIsRefused(string scheme, string arithmetic, string reason)
    {
        _model.SavePretrained(At("m"));
        string config = File.ReadAllText(At("m/config.json"));
        File.WriteAllText(At("m/config.json"), config.Replace("midpoint:0.25", scheme).Replace("\"float\"", $"\"{arithmetic}\""));
        StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => Ml.Reversible().LoadPretrained(At("m"))).Message, reason);
    }

    [TestMethod]
    public void TheFolderSpeaksHuggingFacesWords()
    {
        _model.SavePretrained(At("m"));
        using JsonDocument config = JsonDocument.Parse(File.ReadAllText(At("m/config.json")));
        JsonElement root = config.RootElement;
        Assert.AreEqual("gpt2", root.GetProperty("model_type").GetString());
        Assert.AreEqual("GPT2LMHeadModel", root.GetProperty("architectures")[0].GetString());
        Assert.AreEqual(2, root.GetProperty("n_layer").GetInt32());
        Assert.AreEqual("midpoint:0.25", root.GetProperty("reversible").GetProperty("scheme").GetString());
        CollectionAssert.IsSubsetOf(
            new[] { "config.json", "model.safetensors", "vocab.json", "merges.txt", "tokenizer_config.json" },
            Directory.GetFiles(At("m")).Select(Path.GetFileName).ToArray());
        using var weights = SafeTensorsFile.Open(At("m/model.safetensors"));
        CollectionAssert.AreEqual(
            new long[] { 32, 96 },
            weights.Info("transformer.h.0.attn.c_attn.weight").Shape.ToArray(),
            "Conv1D keeps [inputs, outputs]");
    }

    [TestMethod]
    public void SavingAgainReplacesTheFolderAndLeavesNothingBeside()
    {
        _model.SavePretrained(At("m"));
        _model.SavePretrained(At("m"));
        CollectionAssert.AreEqual(new[] { "m" }, _folder.GetFileSystemInfos().Select(f => f.Name).ToArray());
    }

    [TestMethod]
    public void ModelSaveAndLoadGiveTheSameScores()
    {
        Ml.Model.Save(_model, Corpus.View(Ml).Schema, At("m.zip"));
        ITransformer loaded = new MLContext().Model.Load(At("m.zip"), out DataViewSchema schema);
        Assert.AreEqual("Text", schema.Single().Name);
        AssertSameScores(loaded);
        CollectionAssert.AreEquivalent(
            new[] { "Text", "LogLikelihood", "TokenCount", "Perplexity" },
            loaded.GetOutputSchema(schema).Where(c => !c.IsHidden).Select(c => c.Name).ToArray());
    }

    [TestMethod]
    public void AChainIsSavedLoadedAndSavedAgain()
    {
        IDataView data = Corpus.View(Ml, Texts);
        ITransformer chain = Ml.Transforms.CopyColumns("Original", "Text").Fit(data).Append(_model);
        Ml.Model.Save(chain, data.Schema, At("a.zip"));
        ITransformer once = new MLContext().Model.Load(At("a.zip"), out _);
        new MLContext().Model.Save(once, data.Schema, At("b.zip"));
        AssertSameScores(new MLContext().Model.Load(At("b.zip"), out _));
    }

    [TestMethod]
    public void RehydrateGivesTheOwnTypeBack()
    {
        IDataView data = Corpus.View(Ml, Texts);
        Ml.Model.Save(Ml.Transforms.CopyColumns("Original", "Text").Fit(data).Append(_model), data.Schema, At("m.zip"));
        ITransformer loaded = Ml.Reversible().Rehydrate(Ml.Model.Load(At("m.zip"), out _));
        AssertSameScores(loaded);
        ReversibleLmTransformer model = ((IEnumerable<ITransformer>)loaded).OfType<ReversibleLmTransformer>().Single();
        Assert.AreEqual(_model.Generate("the", maxTokens: 10, seed: 1), model.Generate("the", maxTokens: 10, seed: 1));
        model.Dispose();
    }

    [TestMethod]
    public void OtherColumnNamesSurviveTheZip()
    {
        ReversibleLmTrainer.Options options = Corpus.QuickOptions;
        (options.TextColumnName, options.LogLikelihoodColumnName, options.TokenCountColumnName, options.PerplexityColumnName) =
            ("Body", "LL", "N", "PPL");
        IDataView data = Ml.Transforms.CopyColumns("Body", "Text").Fit(Corpus.View(Ml, Corpus.Rows))
            .Transform(Corpus.View(Ml, Corpus.Rows));
        using ReversibleLmTransformer model = Ml.Reversible().LanguageModel(options).Fit(data);
        Ml.Model.Save(model, data.Schema, At("m.zip"));
        IDataView scored = Ml.Model.Load(At("m.zip"), out _).Transform(data);
        CollectionAssert.AreEqual(model.Transform(data).GetColumn<float>("PPL").ToArray(), scored.GetColumn<float>("PPL").ToArray());
        CollectionAssert.AreEqual(model.Transform(data).GetColumn<int>("N").ToArray(), scored.GetColumn<int>("N").ToArray());
        Assert.IsNotNull(scored.Schema.GetColumnOrNull("LL"));
    }

    [TestMethod]
    public void AFreshProcessLoadsTheZipWithNothingRegistered()
    {
        Ml.Model.Save(_model, Corpus.View(Ml).Schema, At("m.zip"));
        var result = ChildProcess.Run<FreshProcessLoad.Result>("load", At("m.zip"), Texts[0]);
        Corpus.ScoredRow expected = Corpus.Scores(Ml, _model, Texts[0]).Single();
        Assert.AreEqual(
            (expected.LogLikelihood, expected.TokenCount, expected.Perplexity),
            (result.LogLikelihood, result.TokenCount, result.Perplexity));
    }

    [TestMethod]
    public void AFreshProcessLoadsAModelNearTheZipsLimit()
    {
        using ReversibleLmTransformer model = Corpus.Train(Ml, o =>
            (o.Width, o.HeadCount, o.LayerCount, o.MaxSteps, o.BatchSize) = (512, 1, 5, 1, 1));
        Assert.IsGreaterThan(60 << 20, 4 * model.Configuration.ParameterCount);
        Ml.Model.Save(model, Corpus.View(Ml).Schema, At("m.zip"));
        var result = ChildProcess.Run<FreshProcessLoad.Result>("load", At("m.zip"), Texts[0]);
        Assert.AreEqual(Corpus.Scores(Ml, model, Texts[0]).Single().LogLikelihood, result.LogLikelihood);
    }

    [TestMethod]
    public void AModelTooLargeForTheZipIsRefusedWithTheWayThatWorks()
    {
        using ReversibleLmTransformer large = Corpus.Train(Ml,
            o => (o.Width, o.HeadCount, o.LayerCount, o.MaxSteps, o.BatchSize) = (512, 1, 6, 1, 1));
        var e = Assert.ThrowsExactly<NotSupportedException>(() => Ml.Model.Save(large, Corpus.View(Ml).Schema, At("m.zip")));
        StringAssert.Contains(e.Message, "SavePretrained");
        StringAssert.Contains(e.Message, "64");
    }

    [TestMethod]
    public void AMissingOrDamagedFolderIsRefusedByName()
    {
        StringAssert.Contains(
            Assert.ThrowsExactly<DirectoryNotFoundException>(() => Ml.Reversible().LoadPretrained(At("none"))).Message,
            "none");
        foreach (string file in new[] { "config.json", "model.safetensors", "vocab.json" })
        {
            _model.SavePretrained(At("m"));
            byte[] whole = File.ReadAllBytes(At("m/" + file));
            File.WriteAllBytes(At("m/" + file), whole[..(whole.Length / 2)]);
            StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => Ml.Reversible().LoadPretrained(At("m"))).Message, file);
            File.Delete(At("m/" + file));
            StringAssert.Contains(Assert.ThrowsExactly<FileNotFoundException>(() => Ml.Reversible().LoadPretrained(At("m"))).Message, file);
        }
    }

    [TestMethod]
    public void WeightsOfAnotherShapeAreRefusedByTensor()
    {
        _model.SavePretrained(At("m"));
        string config = File.ReadAllText(At("m/config.json"));
        File.WriteAllText(At("m/config.json"), config.Replace("\"n_positions\": 16", "\"n_positions\": 17"));
        StringAssert.Contains(
            Assert.ThrowsExactly<InvalidDataException>(() => Ml.Reversible().LoadPretrained(At("m"))).Message,
            "wpe.weight");
        File.WriteAllText(At("m/config.json"), config.Replace("\"n_layer\": 2", "\"n_layer\": 3"));
        StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => Ml.Reversible().LoadPretrained(At("m"))).Message, "h.2.");
    }

    /// <summary>Compares within rounding: a chain that ML.NET loads evaluates one row at a time.</summary>
    private static void AssertSameScores(ITransformer loaded)
    {
        Corpus.ScoredRow[] expected = Corpus.Scores(Ml, _model, Texts), actual = Corpus.Scores(Ml, loaded, Texts);
        Assert.HasCount(expected.Length, actual);
        foreach ((Corpus.ScoredRow a, Corpus.ScoredRow b) in expected.Zip(actual))
        {
            Assert.AreEqual(a.TokenCount, b.TokenCount);
            Assert.AreEqual(a.LogLikelihood, b.LogLikelihood, 1e-5f * Math.Abs(a.LogLikelihood));
            Assert.AreEqual(a.Perplexity, b.Perplexity, 1e-5f * a.Perplexity);
        }
    }
}
