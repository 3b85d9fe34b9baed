using System.IO.Compression;
using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Benchmarks;
using Microsoft.ML.Reversible.Tests.Storage;

namespace Microsoft.ML.Reversible.Tests.Language;

/// <summary>Tests zips of any size: their content, loading, and the message of plain ML.NET.</summary>
[TestClass]
public sealed class ModelZipTests
{
    private static readonly MLContext Ml = new(seed: 1);
    private static readonly string[] Texts = ["the red fox", "", "é 漢字 🦊", "the red fox number 7 jumps over the blue dog and on"];
    private static ReversibleLmTransformer _model = null!;
    private readonly ScratchFolder _folder = new();

    [ClassInitialize]
    public static void Train(TestContext _) => _model = Corpus.Train(Ml, o => (o.MaxSteps, o.Scheme) = (30, new Midpoint(0.25)));

    [ClassCleanup]
    public static void Free() => _model.Dispose();

    [TestCleanup]
    public void Delete() => _folder.Dispose();

    private string Zip => _folder.File("m.zip");

    private static DataViewSchema Schema => Corpus.View(Ml).Schema;

    [TestMethod]
    public void ASingleModelComesBackToTheBit()
    {
        Ml.Reversible().Save(_model, Schema, Zip);
        using var loaded = (ReversibleLmTransformer)new MLContext().Reversible().Load(Zip, out DataViewSchema? schema);
        Assert.AreEqual("Text", schema!.Single().Name);
        Assert.AreEqual(_model.Configuration, loaded.Configuration);
        Assert.AreEqual(_model.Scheme, loaded.Scheme);
        Assert.IsTrue(_model.Network.parameters().Zip(loaded.Network.parameters(), TestModels.SameBits).All(same => same));
        AssertSameScores(loaded);
        Assert.AreEqual(_model.Generate("the", maxTokens: 10, seed: 1), loaded.Generate("the", maxTokens: 10, seed: 1));
    }

    [TestMethod]
    public void TheWeightsAreStoredUncompressedBesideMLNetsOwnEntries()
    {
        Ml.Reversible().Save(_model, Schema, Zip);
        using ZipArchive zip = ZipFile.OpenRead(Zip);
        ZipArchiveEntry[] own = [.. zip.Entries.Where(entry => entry.FullName.StartsWith("reversible/0/", StringComparison.Ordinal))];
        CollectionAssert.IsSubsetOf(
            new[] { "config.json", "model.safetensors", "vocab.json", "merges.txt", "tokenizer_config.json" },
            own.Select(entry => entry.Name).ToArray());
        Assert.IsTrue(own.All(entry => entry.Length == entry.CompressedLength));

        using var plain = new MemoryStream();
        Ml.Model.Save(Copy("A"), Schema, plain);
        using var plainZip = new ZipArchive(plain);
        string pipelineEntry = plainZip.Entries.First(entry => entry.FullName.Contains("Model", StringComparison.Ordinal)).FullName;
        Assert.IsNotNull(zip.GetEntry(pipelineEntry));
        Assert.IsLessThan(60_000, zip.Entries.Except(own).Sum(entry => entry.Length));
    }

    [TestMethod]
    public void ChainsOfChainsKeepTheirOrderAndTheirOtherTransformers()
    {
        IDataView data = Corpus.View(Ml, Texts);
        ITransformer inner = Ml.Transforms.CopyColumns("B", "A").Append(new Fitted(_model)).Fit(Copy("A").Transform(data));
        ITransformer chain = new TransformerChain<ITransformer>(
            Copy("A"), inner, Ml.Transforms.CopyColumns("Copy", "Perplexity").Fit(inner.Transform(Copy("A").Transform(data))));
        Ml.Reversible().Save(chain, data.Schema, Zip);

        ITransformer loaded = new MLContext().Reversible().Load(Zip, out _);
        AssertSameScores(loaded);
        ITransformer[] outer = [.. (IEnumerable<ITransformer>)loaded];
        ITransformer[] middle = [.. (IEnumerable<ITransformer>)outer[1]];
        Assert.AreEqual(3, outer.Length);
        Assert.AreEqual(2, middle.Length);
        Assert.IsInstanceOfType<ReversibleLmTransformer>(middle[1]);
        CollectionAssert.AreEqual(
            _model.Transform(data).GetColumn<float>("Perplexity").ToArray(), loaded.Transform(data).GetColumn<float>("Copy").ToArray());
        (loaded as IDisposable)!.Dispose();
        Assert.ThrowsExactly<ObjectDisposedException>(() => ((ReversibleLmTransformer)middle[1]).Generate("a"));
    }

    [TestMethod]
    public void ScopesSurvive()
    {
        TransformerScope[] scopes =
            [TransformerScope.Training, TransformerScope.TrainTest, TransformerScope.Everything, TransformerScope.Scoring];
        var chain = new TransformerChain<ITransformer>([Copy("A"), Copy("B"), _model, Copy("C")], scopes);
        Ml.Reversible().Save(chain, Schema, Zip);
        var loaded = (TransformerChain<ITransformer>)Ml.Reversible().Load(Zip, out _);
        foreach (TransformerScope scope in new[] { TransformerScope.Training, TransformerScope.Testing, TransformerScope.Scoring })
        {
            CollectionAssert.AreEqual(
                chain.GetModelFor(scope).GetOutputSchema(Schema).Select(column => column.Name).ToArray(),
                loaded.GetModelFor(scope).GetOutputSchema(Schema).Select(column => column.Name).ToArray());
        }
        loaded.Dispose();
    }

    [TestMethod]
    public void OneModelInTwoPlacesIsSavedOnceAndTwoModelsApart()
    {
        using ReversibleLmTransformer other = Corpus.Train(Ml, o => (o.MaxSteps, o.Seed, o.PerplexityColumnName) = (3, 2, "Other"));
        Ml.Reversible().Save(new TransformerChain<ITransformer>(_model, other, _model), null, Zip);
        using (ZipArchive zip = ZipFile.OpenRead(Zip)) Assert.AreEqual(2, zip.Entries.Count(entry => entry.Name == "model.safetensors"));
        var loaded = (TransformerChain<ITransformer>)Ml.Reversible().Load(Zip, out DataViewSchema? schema);
        ITransformer[] parts = [.. loaded];
        Assert.IsNull(schema);
        Assert.AreSame(parts[0], parts[2]);
        AssertSameScores(parts[0]);
        CollectionAssert.AreEqual(
            other.Transform(Corpus.View(Ml, Texts)).GetColumn<float>("Other").ToArray(),
            parts[1].Transform(Corpus.View(Ml, Texts)).GetColumn<float>("Other").ToArray());
        loaded.Dispose();
    }

    [TestMethod]
    public void OtherColumnNamesSurvive()
    {
        IDataView rows = Corpus.View(Ml, Corpus.Rows), data = Ml.Transforms.CopyColumns("Body", "Text").Fit(rows).Transform(rows);
        ReversibleLmTrainer.Options options = Corpus.QuickOptions;
        (options.TextColumnName, options.LogLikelihoodColumnName, options.TokenCountColumnName, options.PerplexityColumnName) =
            ("Body", "LL", "N", "PPL");
        using ReversibleLmTransformer model = Ml.Reversible().LanguageModel(options).Fit(data);
        Ml.Reversible().Save(model, data.Schema, Zip);
        IDataView scored = Ml.Reversible().Load(Zip, out _).Transform(data);
        CollectionAssert.AreEqual(model.Transform(data).GetColumn<float>("PPL").ToArray(), scored.GetColumn<float>("PPL").ToArray());
        CollectionAssert.AreEqual(model.Transform(data).GetColumn<int>("N").ToArray(), scored.GetColumn<int>("N").ToArray());
        Assert.IsNotNull(scored.Schema.GetColumnOrNull("LL"));
    }

    [TestMethod]
    public void PlainMLNetReadsTheSchemaAndSaysWhatToDoWhenARowIsRead()
    {
        Ml.Reversible().Save(Copy("A").Append(_model), Schema, Zip);
        ITransformer plain = new MLContext().Model.Load(Zip, out DataViewSchema schema);
        Assert.IsNotNull(plain.GetOutputSchema(schema).GetColumnOrNull("Perplexity"));
        Exception error = Assert.Throws<Exception>(() => Corpus.Scores(Ml, plain, Texts));
        StringAssert.Contains(error.GetBaseException().Message, "mlContext.Reversible().Load(path");

        StringAssert.Contains(
            Assert.ThrowsExactly<InvalidOperationException>(() => Ml.Reversible().Rehydrate(plain)).Message, "Reversible().Load(path");
        StringAssert.Contains(
            Assert.ThrowsExactly<InvalidOperationException>(() => Ml.Reversible().Save(plain, schema, _folder.File("n.zip"))).Message,
            "Reversible().Load(path");
        CollectionAssert.AreEqual(new[] { "m.zip" }, _folder.Entries);
    }

    [TestMethod]
    public void AZipThatWasPackedAnewWithShardedWeightsLoadsToo()
    {
        _model.SavePretrained(_folder.File("m"), maxShardBytes: 50_000);
        Assert.IsGreaterThan(1, Directory.GetFiles(_folder.File("m"), "*.safetensors").Length);
        Ml.Reversible().Save(_model, Schema, Zip);
        using (ZipArchive zip = ZipFile.Open(Zip, ZipArchiveMode.Update))
        {
            zip.GetEntry("reversible/0/model.safetensors")!.Delete();
            foreach (string file in Directory.GetFiles(_folder.File("m"), "model*"))
                zip.CreateEntryFromFile(file, $"reversible/0/{Path.GetFileName(file)}", CompressionLevel.NoCompression);
        }
        using var loaded = (ReversibleLmTransformer)Ml.Reversible().Load(Zip, out _);
        AssertSameScores(loaded);
    }

    [TestMethod]
    public void AZipOfMLNetsOwnSavingLoadsToo()
    {
        Ml.Model.Save(Copy("A").Append(_model), Schema, Zip);
        ITransformer loaded = Ml.Reversible().Load(Zip, out _);
        AssertSameScores(loaded);
        Assert.AreEqual(1, ((IEnumerable<ITransformer>)loaded).OfType<ReversibleLmTransformer>().Count());
        (loaded as IDisposable)!.Dispose();
    }

    [TestMethod]
    public void APipelineWithoutAModelIsSavedAndLoadedAsItIs()
    {
        Ml.Reversible().Save(Copy("A"), Schema, Zip);
        Assert.IsNotNull(Ml.Reversible().Load(Zip, out DataViewSchema? schema).GetOutputSchema(schema!).GetColumnOrNull("A"));
    }

    [TestMethod]
    public void AFreshProcessLoadsTheZip()
    {
        Ml.Reversible().Save(Copy("A").Append(_model), Schema, Zip);
        var result = ChildProcess.Run<FreshProcessLoad.Result>("load", Zip, Texts[0], "--any-size");
        Corpus.ScoredRow expected = Corpus.Scores(Ml, _model, Texts[0]).Single();
        Assert.AreEqual(
            (expected.LogLikelihood, expected.TokenCount, expected.Perplexity),
            (result.LogLikelihood, result.TokenCount, result.Perplexity));
    }

    [TestMethod]
    public void AModelThatMLNetsOwnSaveRefusesIsSavedAndLoaded()
    {
        if (Environment.GetEnvironmentVariable("REVERSIBLE_FULL") != "1") Assert.Inconclusive("Set REVERSIBLE_FULL=1.");
        using ReversibleLmTransformer large = Corpus.Train(Ml,
            o => (o.Width, o.HeadCount, o.LayerCount, o.MaxSteps, o.BatchSize) = (1024, 1, 24, 1, 1));
        string advice = Assert.ThrowsExactly<NotSupportedException>(() => Ml.Model.Save(large, Schema, _folder.File("n.zip"))).Message;
        StringAssert.Contains(advice, "mlContext.Reversible().Save");
        Ml.Reversible().Save(large, Schema, Zip);
        using var loaded = (ReversibleLmTransformer)Ml.Reversible().Load(Zip, out _);
        Assert.AreEqual(Corpus.Scores(Ml, large, Texts[0])[0].LogLikelihood, Corpus.Scores(Ml, loaded, Texts[0])[0].LogLikelihood);
    }

    private static ITransformer Copy(string name) => Ml.Transforms.CopyColumns(name, "Text").Fit(Corpus.View(Ml));

    private static void AssertSameScores(ITransformer loaded)
    {
        Corpus.ScoredRow[] expected = Corpus.Scores(Ml, _model, Texts), actual = Corpus.Scores(Ml, loaded, Texts);
        CollectionAssert.AreEqual(
            expected.Select(r => (r.LogLikelihood, r.TokenCount, r.Perplexity)).ToArray(),
            actual.Select(r => (r.LogLikelihood, r.TokenCount, r.Perplexity)).ToArray());
    }

    /// <summary>An estimator whose fitting is done.</summary>
    private sealed class Fitted(ReversibleLmTransformer model) : IEstimator<ReversibleLmTransformer>
    {
        public ReversibleLmTransformer Fit(IDataView input) => model;

        public SchemaShape GetOutputSchema(SchemaShape inputSchema) =>
            Ml.Reversible().LanguageModel(Corpus.QuickOptions).GetOutputSchema(inputSchema);
    }
}
