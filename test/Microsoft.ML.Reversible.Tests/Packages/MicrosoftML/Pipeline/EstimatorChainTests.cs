using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Tests.Packages.MicrosoftML.ThirdParty;

namespace Microsoft.ML.Reversible.Tests.Packages.MicrosoftML.Pipeline;

[TestClass]
public class EstimatorChainTests
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly WordsView _data = new("Text", "One two", "three");

    [TestMethod]
    public void TheSchemaOfTheWholeChainIsCheckedBeforeAnythingIsFitted()
    {
        var first = new LengthEstimator("Text", "Letters");
        var chain = first.Append(_ml.Transforms.CopyColumns("Copy", "Absent"));

        var error = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => chain.Fit(_data));

        StringAssert.Contains(error.Message, "Could not find input column 'Absent'");
        Assert.AreEqual(0, first.Fits);
    }

    [TestMethod]
    public void AColumnPromisedByAnOutsideEstimatorServesTheNext()
    {
        var chain = _ml.Transforms.Text.NormalizeText("Lower", "Text")
            .Append(new LengthEstimator("Lower", "Letters"))
            .Append(_ml.Transforms.CopyColumns("Copy", "Letters"));

        var transformed = chain.Fit(_data).Transform(_data);

        CollectionAssert.AreEqual(new[] { "one two", "three" }, transformed.GetColumn<string>("Lower").ToArray());
        CollectionAssert.AreEqual(new[] { 7, 5 }, transformed.GetColumn<int>("Copy").ToArray());
    }

    [TestMethod]
    public void AnOutsideEstimatorRefusesAColumnOfAnotherType()
    {
        var chain = _ml.Transforms.Text.TokenizeIntoWords("Words", "Text").Append(new LengthEstimator("Words", "Letters"));

        var error = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => chain.Fit(_data));

        StringAssert.Contains(error.Message, "Schema mismatch for input column 'Words'");
    }

    [TestMethod]
    public void AFittedChainKeepsItsTransformersInOrder()
    {
        var chain = _ml.Transforms.CopyColumns("Copy", "Text").Append(new LengthEstimator("Copy", "Letters"));

        var fitted = chain.Fit(_data);

        Assert.HasCount(2, fitted.ToArray());
        Assert.AreSame(fitted.Last(), fitted.LastTransformer);
        Assert.AreEqual(3, fitted.GetOutputSchema(_data.Schema).Count);
    }

    [TestMethod]
    public void ADelegateSeesTheFittedTransformer()
    {
        LengthTransformer? seen = null;
        var chain = _ml.Transforms.CopyColumns("Copy", "Text")
            .Append(new LengthEstimator("Copy", "Letters").WithOnFitDelegate(t => seen = t));

        var fitted = chain.Fit(_data);

        Assert.IsNotNull(seen);
        Assert.AreSame(fitted.LastTransformer, seen);
    }

    [TestMethod]
    public void ACacheCheckpointChangesNothingInTheResult()
    {
        var chain = new LengthEstimator("Text", "Letters").AppendCacheCheckpoint(_ml)
            .Append(_ml.Transforms.Conversion.MapValueToKey("Key", "Letters"));

        CollectionAssert.AreEqual(new uint[] { 1, 2 }, chain.Fit(_data).Transform(_data).GetColumn<uint>("Key").ToArray());
    }

    [TestMethod]
    public void ALoaderEstimatorFitsItsChainOnWhatItLoads()
    {
        var folder = Directory.CreateTempSubdirectory("loader-").FullName;
        try
        {
            var file = Path.Combine(folder, "a.txt");
            File.WriteAllLines(file, ["one", "three"]);
            var loader = _ml.Data.CreateTextLoader([new("Text", DataKind.String, 0)]);

            var fitted = loader.Append(new LengthEstimator("Text", "Letters")).Fit(new MultiFileSource(file));

            CollectionAssert.AreEqual(new[] { 3, 5 }, fitted.Load(new MultiFileSource(file)).GetColumn<int>("Letters").ToArray());
            Assert.AreEqual(2, fitted.GetOutputSchema().Count);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
