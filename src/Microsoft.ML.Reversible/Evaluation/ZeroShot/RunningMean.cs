namespace Microsoft.ML.Reversible.Evaluation;

/// <summary>The mean of numbers and its standard error, by Welford's recurrence.</summary>
internal sealed class RunningMean
{
    private double _squares;

    public long Count { get; private set; }

    /// <summary>The mean; NaN of nothing.</summary>
    public double Value { get; private set; } = double.NaN;

    /// <summary>The sample deviation, over n-1, divided by √n; NaN for fewer than two numbers.</summary>
    public double StandardError => Count < 2 ? double.NaN : Math.Sqrt(_squares / (Count - 1) / Count);

    public void Add(double value)
    {
        Count++;
        double before = Count == 1 ? 0 : Value, mean = before + (value - before) / Count;
        _squares += (value - before) * (value - mean);
        Value = mean;
    }

    public void Add(bool value) => Add(value ? 1 : 0);
}
