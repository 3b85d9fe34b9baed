namespace Microsoft.ML.Reversible.Retrofit;

/// <summary>Finds the step size with which midpoint or leapfrog over a teacher's blocks is nearest to the teacher.</summary>
internal static class StepSizeSearch
{
    private const int GoldenSteps = 8;
    private const int Digits = 4;
    private static readonly double _golden = (Math.Sqrt(5) - 1) / 2;

    /// <summary>The step sizes tried first: from 1/8 to 2 by factors of √2.</summary>
    public static IReadOnlyList<double> Grid { get; } = [.. Enumerable.Range(-6, 9).Select(i => Rounded(Math.Pow(2, i / 2.0)))];

    /// <summary>Tries a grid, then narrows the interval around its best point by golden-section search on the logarithm.</summary>
    /// <param name="measure">Measures a step size of four digits; called at most once for each.</param>
    /// <param name="distance">The part of the result to minimize, not NaN.</param>
    /// <typeparam name="T">The result of a measurement.</typeparam>
    /// <returns>
    /// All measurements, ordered by step size. If there is one minimum within the grid, the best step size is within 2 % of it.
    /// </returns>
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

    // The step size is written into the model's scheme. More digits would be noise, since neighbours in the search are about a percent
    // apart.
    private static double Rounded(double stepSize) => Math.Round(stepSize, Digits - 1 - (int)Math.Floor(Math.Log10(stepSize)));
}
