using Microsoft.ML.Reversible.Tests.Storage;
namespace Microsoft.ML.Reversible.Tests.Language;

[TestClass]
public sealed class DisposedModelTests
{
    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void APredictionEngineOutlivingItsModelSaysSo()
    {
        ReversibleLmTransformer model = Corpus.Train(_ml, o => o.MaxSteps = 1);
        using var engine = _ml.Model.CreatePredictionEngine<Corpus.Row, Corpus.ScoredRow>(
            model, new PredictionEngineOptions { OwnsTransformer = false });
        Assert.AreEqual(4, engine.Predict(new Corpus.Row { Text = "text" }).TokenCount);
        model.Dispose();
        Assert.ThrowsExactly<ObjectDisposedException>(() => engine.Predict(new Corpus.Row { Text = "other" }));
    }

    [TestMethod]
    public void ADataViewOutlivingItsModelSaysSo()
    {
        ReversibleLmTransformer model = Corpus.Train(_ml, o => o.MaxSteps = 1);
        IDataView scored = model.Transform(Corpus.View(_ml, "a", "b"));
        model.Dispose();
        Assert.ThrowsExactly<ObjectDisposedException>(
            () => _ml.Data.CreateEnumerable<Corpus.ScoredRow>(scored, reuseRowObject: false).ToArray());
    }

    [TestMethod]
    public void OfTwoModelsLoadedFromOneFolderOneOutlivesTheOther()
    {
        using var scratch = new ScratchFolder();
        using (ReversibleLmTransformer model = Corpus.Train(_ml, o => o.MaxSteps = 1)) model.SavePretrained(scratch.File("m"));
        ReversibleLmTransformer first = _ml.Reversible().LoadPretrained(scratch.File("m"));
        using ReversibleLmTransformer second = _ml.Reversible().LoadPretrained(scratch.File("m"));
        string text = first.Generate("the", maxTokens: 5, seed: 1);
        first.Dispose();
        Assert.AreEqual(text, second.Generate("the", maxTokens: 5, seed: 1));
        Assert.ThrowsExactly<ObjectDisposedException>(() => first.Generate("the"));
        Assert.ThrowsExactly<ObjectDisposedException>(() => first.SavePretrained(scratch.File("n")));
    }

    [TestMethod]
    public void AMegabyteInOneRowIsTrainedOnScoredAndContinued()
    {
        string megabyte = string.Concat(Enumerable.Repeat("the red fox 🦊 ", 1 << 16));
        ReversibleLmTrainer.Options options = Corpus.QuickOptions;
        (options.MaxSteps, options.ContextLength, options.ValidationFraction) = (2, 128, 0);
        using ReversibleLmTransformer model = _ml.Reversible().LanguageModel(options).Fit(Corpus.View(_ml, megabyte));
        Assert.AreEqual(System.Text.Encoding.UTF8.GetByteCount(megabyte), Corpus.Scores(_ml, model, megabyte).Single().TokenCount);
        StringAssert.StartsWith(model.Generate(megabyte, maxTokens: 3), megabyte);
    }

    [TestMethod]
    public void HalfASurrogatePairIsScoredAndContinued()
    {
        using ReversibleLmTransformer model = Corpus.Train(_ml, o => o.MaxSteps = 1);
        Assert.AreEqual(4, Corpus.Scores(_ml, model, "a\ud83d").Single().TokenCount, "a and the three bytes of U+FFFD");
        StringAssert.StartsWith(model.Generate("a\ud83d", maxTokens: 3), "a\ud83d", StringComparison.Ordinal);
    }
}
