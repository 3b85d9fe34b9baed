using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.Tests.Packages.MicrosoftML.Evaluation;

[TestClass]
public class MulticlassTests
{
    private static readonly Scored[] _rows =
    [
        new() { Label = 0, PredictedLabel = 0, Score = [0.5f, 0.25f, 0.25f] },
        new() { Label = 0, PredictedLabel = 1, Score = [0.25f, 0.5f, 0.25f] },
        new() { Label = 1, PredictedLabel = 1, Score = [0.25f, 0.5f, 0.25f] },
        new() { Label = 2, PredictedLabel = 0, Score = [0.5f, 0.25f, 0.25f] },
    ];

    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void AccuracyIsTheShareOfRowsAndTheMeanOverClasses()
    {
        var metrics = Evaluate();

        Assert.AreEqual(0.5, metrics.MicroAccuracy, 1e-6);
        Assert.AreEqual((0.5 + 1 + 0) / 3, metrics.MacroAccuracy, 1e-6);
    }

    [TestMethod]
    public void LogLossIsTheMeanOfTheNegativeLogarithmOfTheLabelsScore()
    {
        var metrics = Evaluate();
        var prior = -(0.5 * Math.Log(0.5) + 2 * 0.25 * Math.Log(0.25));

        Assert.AreEqual(1.5 * Math.Log(2), metrics.LogLoss, 1e-6);
        Assert.AreEqual((prior - 1.5 * Math.Log(2)) / prior, metrics.LogLossReduction, 1e-6);
        Assert.AreEqual(1.5 * Math.Log(2), metrics.PerClassLogLoss[0], 1e-6);
        Assert.AreEqual(Math.Log(2), metrics.PerClassLogLoss[1], 1e-6);
    }

    [TestMethod]
    public void TheConfusionMatrixHasTheTrueClassesAsRows()
    {
        var counts = Evaluate().ConfusionMatrix.Counts;

        CollectionAssert.AreEqual(new[] { 1d, 1d, 0d }, counts[0].ToArray());
        CollectionAssert.AreEqual(new[] { 0d, 1d, 0d }, counts[1].ToArray());
        CollectionAssert.AreEqual(new[] { 1d, 0d, 0d }, counts[2].ToArray());
    }

    [TestMethod]
    public void AScoreOfUnknownSizeIsRefused()
    {
        var data = _ml.Data.LoadFromEnumerable(new[] { new Unsized() });

        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.MulticlassClassification.Evaluate(data));
    }

    private MulticlassClassificationMetrics Evaluate() => _ml.MulticlassClassification.Evaluate(_ml.Data.LoadFromEnumerable(_rows));

    private sealed class Scored
    {
        [KeyType(3)]
        public uint Label { get; set; }

        [KeyType(3)]
        public uint PredictedLabel { get; set; }

        [VectorType(3)]
        public float[] Score { get; set; } = [];
    }

    private sealed class Unsized
    {
        [KeyType(3)]
        public uint Label { get; set; }

        [KeyType(3)]
        public uint PredictedLabel { get; set; }

        public float[] Score { get; set; } = [0.5f, 0.5f];
    }
}
