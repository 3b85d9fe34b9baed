namespace Microsoft.ML.Data;

/// <summary>What one pass over the scored rows adds up.</summary>
internal sealed class MulticlassCounts(int classes)
{
    private const double LeastProbability = 1e-15;

    private readonly double[] _lossOfClass = new double[classes];
    private readonly double[] _rowsOfClass = new double[classes];
    private readonly double[] _rowsOfRank = new double[classes];
    private double _rows;
    private double _loss;

    public double[][] Confusion { get; } = Enumerable.Range(0, classes).Select(_ => new double[classes]).ToArray();

    public double MicroAccuracy => _rows > 0 ? Confusion.Select((row, i) => row[i]).Sum() / _rows : 0;

    public double MacroAccuracy =>
        Enumerable.Range(0, classes).Where(i => _rowsOfClass[i] > 0).Select(i => Confusion[i][i] / _rowsOfClass[i]).DefaultIfEmpty(0)
            .Average();

    public double LogLoss => _rows > 0 ? _loss / _rows : 0;

    public double LogLossReduction
    {
        get
        {
            // The loss of a guess that knows nothing but how often each class comes.
            var prior = -_rowsOfClass.Where(n => n > 0).Sum(n => n / _rows * Math.Log(n / _rows));
            return (prior - LogLoss) / prior;
        }
    }

    public double[] PerClassLogLoss => _lossOfClass.Select((loss, i) => _rowsOfClass[i] > 0 ? loss / _rowsOfClass[i] : 0).ToArray();

    public double[] TopKAccuracies(int k) =>
        Enumerable.Range(1, Math.Min(k, classes)).Select(top => _rows > 0 ? _rowsOfRank.Take(top).Sum() / _rows : 0).ToArray();

    public void Add(int label, ReadOnlySpan<float> scores)
    {
        _rows++;
        if (label >= classes)
        {
            _loss -= Math.Log(LeastProbability);
            return;
        }
        var best = 0;
        var rank = 0;
        for (var i = 0; i < classes; i++)
        {
            if (scores[i] > scores[best])
                best = i;
            if (scores[i] > scores[label] || scores[i] == scores[label] && i < label)
                rank++;
        }
        var loss = -Math.Log(Math.Clamp(scores[label], LeastProbability, 1));
        _loss += loss;
        _lossOfClass[label] += loss;
        _rowsOfClass[label]++;
        _rowsOfRank[rank]++;
        Confusion[label][best]++;
    }
}
