using Microsoft.ML.Reversible.Data;

namespace Microsoft.ML.Reversible.Retrofitting;

/// <summary>The scheme that a teacher is converted to, and what was measured to choose it.</summary>
/// <param name="Scheme">The scheme.</param>
internal sealed record SchemeChoice(Scheme Scheme)
{
    /// <summary>Held-out batches on which candidates are compared: few, since there may be thirty of them.</summary>
    private const int SampleBatches = 2;

    private const int EstimateSteps = 3;

    private IReadOnlyList<RetrofitCandidate> Candidates { get; init; } = [];

    private IReadOnlyList<RetrofitCandidate> StepSizes { get; init; } = [];

    private string? Reason { get; init; }

    /// <summary>Chooses as the options ask.</summary>
    /// <param name="teacher">A residual teacher.</param>
    /// <param name="options">The options, checked.</param>
    /// <param name="heldOut">Held-out windows.</param>
    /// <exception cref="InvalidOperationException">No candidate fits the limits.</exception>
    /// <exception cref="OperationCanceledException">The options' token was cancelled.</exception>
    public static SchemeChoice Make(LanguageNetwork teacher, RetrofitEstimator.Options options, IReadOnlyList<TokenBatch> heldOut)
    {
        ReversibleLmTrainer.Options training = options.Training;
        var limits = new RetrofitLimits(
            (long)training.BatchSize * training.ContextLength, options.MaxSideGiB, options.MaxRelativeCost);
        IEnumerable<TokenBatch> batches = heldOut.Take(SampleBatches);
        if (options.ChooseScheme)
        {
            AutomaticChoice choice = AutomaticChoice.Choose(teacher, batches, limits, training.CancellationToken);
            return new(choice.Best.Scheme) { Candidates = choice.Candidates, StepSizes = choice.StepSizes, Reason = choice.Reason };
        }
        if (!options.SearchStepSize || WithStepSize(options.Scheme) is not { } withStepSize) return new(options.Scheme);
        using var sample = new TeacherSample(teacher, batches, training.CancellationToken);
        IReadOnlyList<RetrofitCandidate> tried =
            new ConversionMeter(sample, limits).SearchStepSize(withStepSize, training.CancellationToken);
        return new(tried.MinBy(candidate => candidate.Agreement.Distance)!.Scheme) { StepSizes = tried };
    }

    /// <summary>Compares the untrained student with its teacher.</summary>
    public RetrofitReport Report(
        LanguageNetwork teacher, LanguageNetwork student, IReadOnlyList<TokenBatch> heldOut, RetrofitEstimator.Options options)
    {
        ReversibleLmTrainer.Options training = options.Training;
        return new()
        {
            Scheme = Scheme,
            Before = Agreement.Measure(teacher, student, heldOut, training.CancellationToken),
            Memory = StreamMemory.Of(
                Scheme, student.Stack.Blocks.Count, student.Configuration.Width, (long)training.BatchSize * training.ContextLength,
                student.Stack.Arithmetic),
            Estimates = Scheme is Estimator
                ? EstimateMeter.Measure(teacher, heldOut.Take(SampleBatches), EstimateSteps, training.CancellationToken)
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
