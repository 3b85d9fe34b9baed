using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Tests.Packages.MicrosoftML.ThirdParty;

namespace Microsoft.ML.Reversible.Tests.Packages.MicrosoftML.Model;

[TestClass]
public class PredictionEngineTests
{
    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void EachPredictionIsOfItsOwnExample()
    {
        using var engine = _ml.Model.CreatePredictionEngine<Story, Prediction>(Chain(new LengthTransformer("Text", "Letters")));

        Assert.AreEqual(3, engine.Predict(new Story { Text = "one" }).Letters);
        Assert.AreEqual(5, engine.Predict(new Story { Text = "three" }).Letters);
        Assert.AreEqual("Text", engine.OutputSchema[0].Name);
    }

    [TestMethod]
    public void ACustomMappingAfterAnOutsideMapperSeesTheNewRow()
    {
        var model = new LengthTransformer("Text", "Letters").Append(
            _ml.Transforms.CustomMapping<Prediction, Doubled>((i, o) => o.Twice = 2 * i.Letters, null)
                .Fit(new LengthTransformer("Text", "Letters").Transform(new WordsView("Text"))));
        using var engine = _ml.Model.CreatePredictionEngine<Story, Doubled>(model);

        Assert.AreEqual(6, engine.Predict(new Story { Text = "one" }).Twice);
        Assert.AreEqual(10, engine.Predict(new Story { Text = "three" }).Twice);
    }

    [TestMethod]
    public void APredictionObjectCanBeReused()
    {
        using var engine = _ml.Model.CreatePredictionEngine<Story, Prediction>(Chain(new LengthTransformer("Text", "Letters")));
        var prediction = new Prediction();
        var given = prediction;

        engine.Predict(new Story { Text = "one" }, ref prediction);

        Assert.AreSame(given, prediction);
        Assert.AreEqual(3, prediction.Letters);
    }

    [TestMethod]
    public void TheEngineDisposesTheTransformerItOwns()
    {
        var owned = new LengthTransformer("Text", "Letters");
        _ml.Model.CreatePredictionEngine<Story, Prediction>(Chain(owned)).Dispose();
        var lent = new LengthTransformer("Text", "Letters");
        _ml.Model.CreatePredictionEngine<Story, Prediction>(Chain(lent), new PredictionEngineOptions { OwnsTransformer = false }).Dispose();

        Assert.AreEqual(1, owned.Disposals);
        Assert.AreEqual(0, lent.Disposals);
    }

    [TestMethod]
    public void AMissingOutputColumnIsIgnoredUnlessRefused()
    {
        var model = Chain(new LengthTransformer("Text", "Count"));
        using var engine = _ml.Model.CreatePredictionEngine<Story, Prediction>(model);

        Assert.AreEqual(0, engine.Predict(new Story { Text = "one" }).Letters);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() =>
            _ml.Model.CreatePredictionEngine<Story, Prediction>(model, ignoreMissingColumns: false));
    }

    private static TransformerChain<ITransformer> Chain(ITransformer transformer) => new(transformer);

    private sealed class Story
    {
        public string Text { get; set; } = "";
    }

    private sealed class Prediction
    {
        public int Letters { get; set; }
    }

    private sealed class Doubled
    {
        public int Twice { get; set; }
    }
}
