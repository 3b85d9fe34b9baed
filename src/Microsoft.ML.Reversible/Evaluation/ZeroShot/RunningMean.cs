namespace Microsoft.ML.Reversible.Evaluation;

/// <summary>The mean of numbers, and its standard error by Welford's recurrence.</summary>
internal sealed class RunningMean
{
    private double _sum;
    private double _mean;
    private double _squares;

    public long Count { get; private set; }

    /// <summary>The mean; NaN of nothing. Of truths it is their number over all, without rounding in between.</summary>
    public double Value => Count == 0 ? double.NaN : _sum / Count;

    /// <summary>The sample deviation, over n-1, divided by √n; NaN for fewer than two numbers.</summary>
    public double StandardError => Count < 2 ? double.NaN : Math.Sqrt(_squares / (Count - 1) / Count);

    public void Add(double value)
    {
        Count++;
        _sum += value;
        double before = _mean;
        _mean += (value - before) / Count;
        _squares += (value - before) * (value - _mean);
    }

    public void Add(bool value) => Add(value ? 1 : 0);
}
