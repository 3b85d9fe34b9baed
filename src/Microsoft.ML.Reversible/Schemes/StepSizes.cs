namespace Microsoft.ML.Reversible.Schemes;

/// <summary>The range of a scheme's step size h.</summary>
internal static class StepSizes
{
    /// <exception cref="ArgumentOutOfRangeException">The step size is not positive and finite.</exception>
    public static double Checked(double stepSize) => stepSize > 0 && double.IsFinite(stepSize)
        ? stepSize
        : throw new ArgumentOutOfRangeException("StepSize", stepSize, "A scheme's step size must be positive and finite.");
}
