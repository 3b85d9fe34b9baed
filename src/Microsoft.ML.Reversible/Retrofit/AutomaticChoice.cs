using System.Globalization;
using Microsoft.ML.Reversible.Data;

namespace Microsoft.ML.Reversible.Retrofitting;

/// <summary>The conversion that is nearest to the teacher among those that keep to the limits, and why.</summary>
/// <param name="Best">The choice.</param>
/// <param name="Candidates">All that were measured, the nearest to the teacher first.</param>
/// <param name="StepSizes">The step sizes that were tried for midpoint, then those for leapfrog.</param>
/// <param name="Reason">Why, as a paragraph.</param>
internal sealed record AutomaticChoice(
    RetrofitCandidate Best, IReadOnlyList<RetrofitCandidate> Candidates, IReadOnlyList<RetrofitCandidate> StepSizes, string Reason)
{
    /// <summary>The conversions that have no step size to search for.</summary>
    public static IEnumerable<Scheme> FixedCandidates =>
    [
        .. new[] { 2, 4, 8, 16, 32, 64 }.Select(k => Bdia.Blend(k)),
        .. new[] { 1.0, 1 / 2.0, 1 / 4.0, 1 / 8.0, 1 / 16.0 }.SelectMany(a => new[] { a, -a }).Select(a => new Estimator { A = a }),
    ];

    /// <summary>Measures the candidates and chooses.</summary>
    /// <param name="teacher">A residual teacher.</param>
    /// <param name="batches">A sample of held-out text: a few windows.</param>
    /// <param name="limits">What the conversion may take.</param>
    /// <param name="cancellationToken">Ends the measurement between two batches.</param>
    /// <exception cref="InvalidOperationException">No candidate fits; the message names the limits and the nearest one.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static AutomaticChoice Choose(
        LanguageNetwork teacher, IEnumerable<TokenBatch> batches, RetrofitLimits limits, CancellationToken cancellationToken = default)
    {
        using var sample = new TeacherSample(teacher, batches, cancellationToken);
        var meter = new ConversionMeter(sample, limits);
        IReadOnlyList<RetrofitCandidate> midpoint = meter.SearchStepSize(h => new Midpoint(h) { Start = Start.Euler }, cancellationToken);
        IReadOnlyList<RetrofitCandidate> leapfrog = meter.SearchStepSize(h => new Leapfrog(h) { Start = Start.Euler }, cancellationToken);
        RetrofitCandidate[] candidates =
        [
            .. FixedCandidates.Select(scheme => meter.Measure(scheme, cancellationToken)),
            midpoint.MinBy(c => c.Agreement.Distance)!,
            leapfrog.MinBy(c => c.Agreement.Distance)!,
        ];
        return Choose(candidates, [.. midpoint, .. leapfrog], meter);
    }

    private static AutomaticChoice Choose(RetrofitCandidate[] measured, IReadOnlyList<RetrofitCandidate> stepSizes, ConversionMeter meter)
    {
        RetrofitCandidate[] candidates =
            [.. measured.OrderBy(c => c.Agreement.Distance).ThenBy(c => c.BitsPerActivation).ThenBy(c => c.EvaluationsPerLayer)];
        if (candidates.FirstOrDefault(c => c.Fits) is not { } best)
        {
            RetrofitCandidate nearest = candidates.MinBy(c => meter.Excess(c.Scheme))!;
            throw new InvalidOperationException(
                $"None of the {candidates.Length} conversions keeps to the limits, {meter.Limits}. " +
                $"The nearest is {nearest.Scheme}, with {Cost(nearest, meter)}. Allow as much, or name a Scheme.");
        }

        string within = meter.Limits.Any ? $"{candidates.Count(c => c.Fits)} keep to the limits, {meter.Limits}; of these " : "";
        string reason =
            $"Of {candidates.Length} conversions, run without training on {meter.TokenCount} tokens, {within}{best.Scheme} " +
            $"is nearest to the teacher: {Distance(best)}, with {Cost(best, meter)}.";
        if (candidates[0] is { Fits: false } nearer)
            reason += $" {nearer.Scheme} would be nearer, {Distance(nearer)}, but takes {Cost(nearer, meter)}.";
        else if (candidates.Where(c => c.Fits).ElementAtOrDefault(1) is { } next)
            reason += $" Next is {next.Scheme}: {Distance(next)}, with {Cost(next, meter)}.";
        return new(best, candidates, stepSizes, reason);
    }

    private static string Distance(RetrofitCandidate candidate) => string.Create(CultureInfo.InvariantCulture,
        $"KL {candidate.Agreement.KlPerToken:G3} nats a token, top-1 agreement {candidate.Agreement.Top1Agreement:P1}");

    private static string Cost(RetrofitCandidate candidate, ConversionMeter meter)
    {
        double gib = meter.Memory(candidate.Scheme).SideBits / (double)(1 << 30);
        return string.Create(CultureInfo.InvariantCulture,
            $"{candidate.BitsPerActivation} side bits an activation ({gib:G3} GiB for {meter.Limits.BatchTokens} tokens) and " +
            $"{candidate.RelativeCost:G3} times the cost of a checkpointed step");
    }
}
