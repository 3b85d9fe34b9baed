using Microsoft.ML.Data;
using Microsoft.ML.Reversible.MLNet;
using Microsoft.ML.Reversible.Tests.Storage;

namespace Microsoft.ML.Reversible.Tests.Language;

/// <summary>Models of token ids, which have no tokenizer, in pipelines.</summary>
[TestClass]
public sealed class TokenIdColumnTests
{
    private readonly MLContext _ml = new(seed: 1) { FallbackToCpu = false };

    private sealed class Signed
    {
        [VectorType]
        public int[] Ids { get; set; } = [];
    }

    private sealed class Unsigned
    {
        [VectorType]
        public uint[] Ids { get; set; } = [];
    }

    private sealed class Surprise
    {
        public float Perplexity { get; set; }
    }

    private IDataView SignedRows => _ml.Data.LoadFromEnumerable(
        Enumerable.Range(0, 100).Select(i => new Signed { Ids = [.. Enumerable.Range(i, 9).Select(id => id % 7)] }));

    private IDataView UnsignedRows => _ml.Data.LoadFromEnumerable(
        Enumerable.Range(0, 100).Select(i => new Unsigned { Ids = [.. Enumerable.Range(i, 9).Select(id => (uint)id % 7)] }));

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void TheSchemaPromisedIsTheOneDelivered(bool signed)
    {
        IDataView data = signed ? SignedRows : UnsignedRows;
        ReversibleLmTrainer trainer = Trainer();
        using ReversibleLmTransformer model = trainer.Fit(data);
        DataViewSchema delivered = model.Transform(data).Schema;
        CollectionAssert.AreEqual(Describe(delivered), Describe(model.GetOutputSchema(data.Schema)));
        CollectionAssert.AreEqual(Describe(delivered), Describe(model.GetRowToRowMapper(data.Schema).OutputSchema));
        CollectionAssert.AreEquivalent(
            Promised(SchemaShapes.From(delivered)), Promised(trainer.GetOutputSchema(SchemaShapes.From(data.Schema))));

        static string[] Describe(DataViewSchema schema) => [.. schema.Select(c => $"{c.Index} {c.Name} {c.Type} {c.IsHidden}")];
        static string[] Promised(SchemaShape shape) => [.. shape.Select(c => $"{c.Name} {c.Kind} {c.ItemType} {c.IsKey}")];
    }

    [TestMethod]
    public void AChainOnIdsIsSavedAndLoadedByReversible()
    {
        using var scratch = new ScratchFolder();
        IDataView data = SignedRows;
        var chain = Trainer().Append(_ml.Transforms.CopyColumns("Again", "Perplexity"));
        using var model = chain.Fit(data);
        _ml.Reversible().Save(model, data.Schema, scratch.File("model.zip"));

        ITransformer loaded = _ml.Reversible().Load(scratch.File("model.zip"), out DataViewSchema? schema);
        using var owned = (IDisposable)loaded;
        Assert.AreEqual(data.Schema["Ids"].Type, schema!["Ids"].Type);
        CollectionAssert.AreEqual(Scores(model), Scores(loaded));
        using PredictionEngine<Signed, Surprise> engine = _ml.Model.CreatePredictionEngine<Signed, Surprise>(loaded);
        Assert.AreEqual(Scores(model)[0], engine.Predict(new Signed { Ids = [0, 1, 2, 3, 4, 5, 6, 0, 1] }).Perplexity);

        float[] Scores(ITransformer transformer) => [.. transformer.Transform(data).GetColumn<float>("Again")];
    }

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void PlainSavingIsRefusedWithTheWayThatWorks(bool inAChain)
    {
        IDataView data = SignedRows;
        using ReversibleLmTransformer model = Trainer().Fit(data);
        ITransformer saved = inAChain ? new TransformerChain<ITransformer>(model) : model;
        using var stream = new MemoryStream();
        var e = Assert.ThrowsExactly<NotSupportedException>(() => _ml.Model.Save(saved, data.Schema, stream));
        StringAssert.Contains(e.Message, "mlContext.Reversible().Save(pipeline");
    }

    private ReversibleLmTrainer Trainer()
    {
        ReversibleLmTrainer.Options options = Corpus.QuickOptions;
        (options.TextColumnName, options.Tokenization) = ("Ids", TextTokenization.Bpe);
        (options.VocabularySize, options.MaxSteps, options.ContextLength) = (7, 5, 8);
        return _ml.Reversible().LanguageModel(options);
    }
}
