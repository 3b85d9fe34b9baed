using System.Globalization;
using Microsoft.ML.Reversible.Data;

namespace Microsoft.ML.Reversible.Retrofit;

/// <summary>The scheme that a teacher is converted to, and the measurements that led to it.</summary>
/// <param name="Scheme">The scheme.</param>
internal sealed record SchemeChoice(Scheme Scheme)
{
    /// <summary>The number of held-out batches on which candidates are compared: few, since there may be thirty candidates.</summary>
    private const int SampleBatches = 2;

    private const int EstimateSteps = 3;

    private IReadOnlyList<RetrofitCandidate> Candidates { get; init; } = [];

    private IReadOnlyList<RetrofitCandidate> StepSizes { get; init; } = [];

    private string? Reason { get; init; }

    /// <summary>Chooses the scheme by the options.</summary>
    /// <param name="teacher">A residual teacher.</param>
    /// <param name="options">The options, already checked.</param>
    /// <param name="heldOut">Held-out windows.</param>
    /// <exception cref="InvalidOperationException">No candidate fits the limits.</exception>
    /// <exception cref="OperationCanceledException">The options' token was cancelled.</exception>
    public static SchemeChoice Make(LanguageNetwork teacher, RetrofitEstimator.Options options, IReadOnlyList<TokenBatch> heldOut)
    {
        var limits = new RetrofitLimits(
            (long)options.BatchSize * options.ContextLength, options.MaxRemainderGiB, options.MaxRelativeCost);
        IEnumerable<TokenBatch> batches = heldOut.Take(SampleBatches);
        if (options.ChooseScheme)
        {
            AutomaticChoice choice = AutomaticChoice.Choose(teacher, batches, limits, options.CancellationToken);
            return new(choice.Best.Scheme) { Candidates = choice.Candidates, StepSizes = choice.StepSizes, Reason = choice.Reason };
        }
        if (!options.EffectiveSearchStepSize || WithStepSize(options.Scheme) is not { } withStepSize) return new(options.Scheme);
        using var sample = new TeacherSample(teacher, batches, options.CancellationToken);
        IReadOnlyList<RetrofitCandidate> tried =
            new ConversionMeter(sample, limits).SearchStepSize(withStepSize, options.CancellationToken);
        return new(tried.MinBy(candidate => candidate.Agreement.Distance)!.Scheme) { StepSizes = tried };
    }

    /// <summary>Compares the untrained student with its teacher.</summary>
    public RetrofitReport Report(
        LanguageNetwork teacher, LanguageNetwork student, IReadOnlyList<TokenBatch> heldOut, RetrofitEstimator.Options options)
    {
        return new()
        {
            Scheme = Scheme,
            Before = Agreement.Measure(teacher, student, heldOut, options.CancellationToken),
            Memory = HiddenStateMemory.Of(
                Scheme, student.Stack.Blocks.Count, student.Configuration.Width, (long)options.BatchSize * options.ContextLength,
                student.Stack.Arithmetic),
            Estimates = Scheme is IteratedInverse
                ? EstimateMeter.Measure(teacher, heldOut.Take(SampleBatches), EstimateSteps, options.CancellationToken)
                : [],
            Candidates = Candidates,
            StepSizes = StepSizes,
            Reason = Reason,
        };
    }

    private static Func<double, Scheme>? WithStepSize(Scheme scheme) => scheme switch
    {
        Midpoint => h => new Midpoint(h) { Start = Start.Euler },
        Leapfrog => h => new Leapfrog(h) { Start = Start.Euler },
        _ => null,
    };
}

/// <summary>The conversion that is nearest to the teacher among those within the limits, and the reason.</summary>
/// <param name="Best">The chosen conversion.</param>
/// <param name="Candidates">All measured conversions, the nearest to the teacher first.</param>
/// <param name="StepSizes">The step sizes that were tried for midpoint, then those for leapfrog.</param>
/// <param name="Reason">The reason, as a paragraph.</param>
internal sealed record AutomaticChoice(
    RetrofitCandidate Best, IReadOnlyList<RetrofitCandidate> Candidates, IReadOnlyList<RetrofitCandidate> StepSizes, string Reason)
{
    /// <summary>The conversions that have no step size to search for.</summary>
    public static IEnumerable<Scheme> FixedCandidates =>
    [
        .. new[] { 2, 4, 8, 16, 32, 64 }.Select(k => Bdia.Blend(k)),
        .. new[] { 1.0, 1 / 2.0, 1 / 4.0, 1 / 8.0, 1 / 16.0 }.SelectMany(a => new[] { a, -a }).Select(a => new IteratedInverse { A = a }),
    ];

    /// <summary>Measures the candidates and chooses.</summary>
    /// <param name="teacher">A residual teacher.</param>
    /// <param name="batches">A sample of held-out text of a few windows.</param>
    /// <param name="limits">The limits of the conversion.</param>
    /// <param name="cancellationToken">Cancels the measurement between two batches.</param>
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
                $"None of the {candidates.Length} conversions is within the limits, {meter.Limits}. " +
                $"The nearest is {nearest.Scheme}, with {Cost(nearest, meter)}. Raise the limits, or set Scheme.");
        }

        string within = meter.Limits.Any ? $"{candidates.Count(c => c.Fits)} are within the limits, {meter.Limits}; of these " : "";
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
        $"KL {candidate.Agreement.KlPerToken:G3} nats per token, top-1 agreement {candidate.Agreement.Top1Agreement:P1}");

    private static string Cost(RetrofitCandidate candidate, ConversionMeter meter)
    {
        double gib = meter.Memory(candidate.Scheme).Remainders / (double)(1 << 30);
        return string.Create(CultureInfo.InvariantCulture,
            $"{candidate.BitsPerActivation} bits of remainders per activation ({gib:G3} GiB for {meter.Limits.BatchTokens} tokens) and " +
            $"{candidate.RelativeCost:G3} times the cost of a checkpointed step");
    }
}

/// <summary>Measures conversions of a teacher before any training.</summary>
/// <param name="sample">The teacher on a sample of text.</param>
/// <param name="limits">The limits of a conversion.</param>
internal sealed class ConversionMeter(TeacherSample sample, RetrofitLimits limits)
{
    /// <summary>The limits of a conversion.</summary>
    public RetrofitLimits Limits => limits;

    /// <summary>The number of tokens that a measurement is the mean over.</summary>
    public long TokenCount => sample.TokenCount;

    /// <summary>Measures a conversion's cost and its distance from the teacher.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public RetrofitCandidate Measure(Scheme scheme, CancellationToken cancellationToken = default) => new(
        scheme, sample.Measure(scheme, cancellationToken), scheme.RemainderBitsPerActivation, scheme.EvaluationsPerLayer,
        Excess(scheme) == 0);

    /// <summary>Returns the step sizes that a search for the smallest divergence tried, in ascending order.</summary>
    /// <param name="withStepSize">Midpoint or leapfrog with a step size.</param>
    /// <param name="cancellationToken">Cancels the search.</param>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public IReadOnlyList<RetrofitCandidate> SearchStepSize(
        Func<double, Scheme> withStepSize, CancellationToken cancellationToken = default) =>
        [.. StepSizeSearch.Minimize(h => Measure(withStepSize(h), cancellationToken), c => c.Agreement.Distance).Select(t => t.Result)];

    /// <summary>Returns the factor by which a conversion exceeds its limits; 0 if it fits.</summary>
    public double Excess(Scheme scheme) => limits.Excess(scheme, sample.LayerCount, sample.Width);

    /// <summary>Returns the memory of a training batch's hidden states.</summary>
    public HiddenStateMemory Memory(Scheme scheme) => HiddenStateMemory.Of(scheme, sample.LayerCount, sample.Width, limits.BatchTokens);
}

/// <summary>The limits of a conversion.</summary>
/// <param name="BatchTokens">The number of tokens that a training step differentiates at a time.</param>
/// <param name="MaxRemainderGiB">The maximum memory of the remainders of these tokens, in GiB; null for no limit.</param>
/// <param name="MaxRelativeCost">
/// The maximum cost of a training step, as a multiple of a checkpointed step, at least 1; null for no limit.
/// </param>
internal sealed record RetrofitLimits(long BatchTokens, double? MaxRemainderGiB = null, double? MaxRelativeCost = null)
{
    private const double BytesPerGiB = 1 << 30;

    /// <summary>Returns the factor by which a conversion exceeds the limits; 0 if it fits.</summary>
    public double Excess(Scheme scheme, int layers, int width) => Math.Max(
        Part(HiddenStateMemory.Of(scheme, layers, width, BatchTokens).Remainders / BytesPerGiB, MaxRemainderGiB),
        Part(scheme.EvaluationsPerLayer, MaxRelativeCost));

    /// <summary>Whether there is any limit.</summary>
    public bool Any => MaxRemainderGiB is not null || MaxRelativeCost is not null;

    /// <inheritdoc/>
    public override string ToString() => (MaxRemainderGiB, MaxRelativeCost) switch
    {
        (null, null) => "no limits",
        ({ } memory, null) => Memory(memory),
        (null, { } cost) => Cost(cost),
        ({ } memory, { } cost) => $"{Memory(memory)} and {Cost(cost)}",
    };

    private string Memory(double gib) =>
        string.Create(CultureInfo.InvariantCulture, $"at most {gib:G4} GiB of remainders for a batch of {BatchTokens} tokens");

    private static string Cost(double cost) =>
        string.Create(CultureInfo.InvariantCulture, $"at most {cost:G4} times the cost of a checkpointed step");

    private static double Part(double value, double? limit) => limit is not { } most || value <= most ? 0 : value / most;
}
