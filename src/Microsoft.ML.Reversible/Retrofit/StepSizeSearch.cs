namespace Microsoft.ML.Reversible.Retrofit;

/// <summary>Finds the step size with which midpoint or leapfrog is nearest to the teacher whose blocks it runs.</summary>
internal static class StepSizeSearch
{
    private const int GoldenSteps = 8;
    private const int Digits = 4;
    private static readonly double _golden = (Math.Sqrt(5) - 1) / 2;

    /// <summary>The step sizes tried first, √2 apart: 1/8 to 2.</summary>
    public static IReadOnlyList<double> Grid { get; } = [.. Enumerable.Range(-6, 9).Select(i => Rounded(Math.Pow(2, i / 2.0)))];

    /// <summary>Tries a grid, then narrows the interval around its best point by golden sections of the logarithm.</summary>
    /// <param name="measure">Measures a step size, which has four digits; it is called at most once for each.</param>
    /// <param name="distance">The part of the result to minimize, not NaN.</param>
    /// <typeparam name="T">The result of a measurement.</typeparam>
    /// <returns>All measurements, by step size; with one minimum within the grid, the best is within 2 % of the true step size.</returns>
    public static IReadOnlyList<(double StepSize, T Result)> Minimize<T>(Func<double, T> measure, Func<T, double> distance)
    {
        var tried = new SortedDictionary<double, T>();
        foreach (double stepSize in Grid) tried[stepSize] = measure(stepSize);
        int best = Enumerable.Range(0, Grid.Count).MinBy(i => distance(tried[Grid[i]]));
        (double low, double high) = (Math.Log(Grid[Math.Max(0, best - 1)]), Math.Log(Grid[Math.Min(Grid.Count - 1, best + 1)]));
        (double left, double right) = (high - _golden * (high - low), low + _golden * (high - low));
        (double ofLeft, double ofRight) = (Try(left), Try(right));
        for (int step = 2; step < GoldenSteps; step++)
        {
            if (ofLeft <= ofRight)
            {
                (high, right, ofRight) = (right, left, ofLeft);
                left = high - _golden * (high - low);
                ofLeft = Try(left);
            }
            else
            {
                (low, left, ofLeft) = (left, right, ofRight);
                right = low + _golden * (high - low);
                ofRight = Try(right);
            }
        }
        return [.. tried.Select(t => (t.Key, t.Value))];

        double Try(double logarithm)
        {
            double stepSize = Rounded(Math.Exp(logarithm));
            return distance(tried[stepSize] = measure(stepSize));
        }
    }

    // A step size is written into the model's scheme, where more digits would be noise: neighbours in the search are a percent apart.
    private static double Rounded(double stepSize) => Math.Round(stepSize, Digits - 1 - (int)Math.Floor(Math.Log10(stepSize)));
}
