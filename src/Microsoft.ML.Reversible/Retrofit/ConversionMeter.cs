namespace Microsoft.ML.Reversible.Retrofitting;

/// <summary>Measures conversions of a teacher before any training.</summary>
/// <param name="sample">The teacher on a sample of text.</param>
/// <param name="limits">What a conversion may take.</param>
internal sealed class ConversionMeter(TeacherSample sample, RetrofitLimits limits)
{
    /// <summary>What a conversion may take.</summary>
    public RetrofitLimits Limits => limits;

    /// <summary>Number of tokens that a measurement is the mean over.</summary>
    public long TokenCount => sample.TokenCount;

    /// <summary>What a conversion takes and how far it is from the teacher.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public RetrofitCandidate Measure(Scheme scheme, CancellationToken cancellationToken = default) => new(
        scheme, sample.Measure(scheme, cancellationToken), scheme.SideBitsPerActivation, scheme.EvaluationsPerLayer, Excess(scheme) == 0);

    /// <summary>The step sizes that a search for the smallest divergence tried, in order.</summary>
    /// <param name="withStepSize">Midpoint or leapfrog with a step size.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public IReadOnlyList<RetrofitCandidate> SearchStepSize(
        Func<double, Scheme> withStepSize, CancellationToken cancellationToken = default) =>
        [.. StepSizeSearch.Minimize(h => Measure(withStepSize(h), cancellationToken), c => c.Agreement.Distance).Select(t => t.Result)];

    /// <summary>By how many times a conversion passes its limits; 0 where it fits.</summary>
    public double Excess(Scheme scheme) => limits.Excess(scheme, sample.LayerCount, sample.Width);

    /// <summary>What a training batch's streams take.</summary>
    public StreamMemory Memory(Scheme scheme) => StreamMemory.Of(scheme, sample.LayerCount, sample.Width, limits.BatchTokens);
}
