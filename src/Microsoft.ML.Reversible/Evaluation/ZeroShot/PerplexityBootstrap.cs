namespace Microsoft.ML.Reversible.Evaluation;

/// <summary>
/// The standard error of a perplexity as lm-evaluation-harness has it, to the last digits: the sample deviation of the perplexities of
/// 100,000 resamples of the items, which are drawn in thousands, each from a seed of its own.
/// </summary>
internal static class PerplexityBootstrap
{
    private const int Seeds = 100;
    private const int ResamplesPerSeed = 1000;

    /// <summary>The standard error of e to the power of minus the mean; NaN for fewer than two items.</summary>
    /// <param name="logLikelihoods">The items' log-likelihoods, nats.</param>
    /// <param name="cancellationToken">Ends it early; with 5,000 items it takes some seconds of one core.</param>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static double StandardError(double[] logLikelihoods, CancellationToken cancellationToken = default)
    {
        if (logLikelihoods.Length < 2) return double.NaN;
        var perplexities = new double[Seeds * ResamplesPerSeed];
        Parallel.For(0, Seeds, new ParallelOptions { CancellationToken = cancellationToken }, seed =>
        {
            var random = new PythonRandom(seed);
            foreach (ref double perplexity in perplexities.AsSpan(seed * ResamplesPerSeed, ResamplesPerSeed))
                perplexity = Math.Exp(-random.MeanOfChoices(logLikelihoods));
        });
        double mean = perplexities.Sum() / perplexities.Length;
        return Math.Sqrt(perplexities.Sum(x => (x - mean) * (x - mean)) / (perplexities.Length - 1));
    }
}
