namespace Microsoft.ML.Data;

public sealed class MulticlassClassificationMetrics
{
    internal MulticlassClassificationMetrics(MulticlassCounts counts, int topKPredictionCount)
    {
        MicroAccuracy = counts.MicroAccuracy;
        MacroAccuracy = counts.MacroAccuracy;
        LogLoss = counts.LogLoss;
        LogLossReduction = counts.LogLossReduction;
        PerClassLogLoss = counts.PerClassLogLoss;
        ConfusionMatrix = new ConfusionMatrix(counts.Confusion);
        TopKPredictionCount = topKPredictionCount;
        if (topKPredictionCount > 0)
        {
            TopKAccuracyForAllK = counts.TopKAccuracies(topKPredictionCount);
            TopKAccuracy = TopKAccuracyForAllK[^1];
        }
    }

    public double LogLoss { get; }

    public double LogLossReduction { get; }

    public double MacroAccuracy { get; }

    public double MicroAccuracy { get; }

    public double TopKAccuracy { get; }

    public IReadOnlyList<double> TopKAccuracyForAllK { get; }

    public int TopKPredictionCount { get; }

    public IReadOnlyList<double> PerClassLogLoss { get; }

    public ConfusionMatrix ConfusionMatrix { get; }
}
