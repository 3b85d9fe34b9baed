namespace Microsoft.ML.Reversible.Stability;

/// <summary>What one layer multiplies a perturbation by, at most.</summary>
/// <param name="Forward">On the way forward.</param>
/// <param name="Backward">On the way back; null where there is no inverse.</param>
internal readonly record struct Growth(double Forward, double? Backward)
{
    /// <summary>Above this a factor is growth; below it is the noise of eigenvalues that were found in float32.</summary>
    public const double Noise = 1.01;

    /// <summary>The larger of the two directions.</summary>
    public double Worst => Math.Max(Forward, Backward ?? 0);

    /// <summary>The larger of each direction.</summary>
    public Growth Or(Growth other) => new(
        Math.Max(Forward, other.Forward),
        Backward is { } mine && other.Backward is { } others ? Math.Max(mine, others) : null);
}
