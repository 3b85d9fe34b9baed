namespace Microsoft.ML.Data;

public sealed class ConfusionMatrix
{
    internal ConfusionMatrix(double[][] counts)
    {
        Counts = counts;
        var classes = Enumerable.Range(0, counts.Length).ToArray();
        PerClassRecall = classes.Select(i => Share(counts[i][i], counts[i].Sum())).ToArray();
        PerClassPrecision = classes.Select(i => Share(counts[i][i], counts.Sum(row => row[i]))).ToArray();
    }

    public IReadOnlyList<double> PerClassPrecision { get; }

    public IReadOnlyList<double> PerClassRecall { get; }

    /// <summary>Rows are the true classes, columns the predicted ones.</summary>
    public IReadOnlyList<IReadOnlyList<double>> Counts { get; }

    public int NumberOfClasses => Counts.Count;

    private static double Share(double part, double all) => all > 0 ? part / all : 0;
}
