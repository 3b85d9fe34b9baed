using System.Globalization;

namespace Microsoft.ML.Reversible.Training;

/// <summary>The state of a <see cref="StepGuard"/>, for a checkpoint.</summary>
/// <param name="MeanNorm">The running mean of the accepted steps' gradient norms.</param>
/// <param name="LastNorm">The gradient norm of the last accepted step; 0 before the first.</param>
/// <param name="AcceptedSteps">Steps accepted.</param>
/// <param name="SkippedSteps">Steps skipped.</param>
/// <param name="ConsecutiveSkips">Steps skipped since the last accepted one.</param>
internal sealed record StepGuardState(
    double MeanNorm = 0, double LastNorm = 0, long AcceptedSteps = 0, long SkippedSteps = 0, int ConsecutiveSkips = 0);

/// <summary>
/// Decides from the gradient's norm whether to take a step. It skips steps whose norm is not finite and, by option, those whose norm is far
/// above the running mean. The norm is the only number that is read from the device, since a loss that is not finite has a gradient that is
/// not finite.
/// </summary>
/// <param name="outlierFactor">The multiple of the mean norm above which a step is skipped; 0 skips only norms that are not finite.</param>
/// <param name="maxSkippedSteps">The number of consecutive skipped steps that ends the run, at least 1.</param>
internal sealed class StepGuard(double outlierFactor = 0, int maxSkippedSteps = StepGuard.DefaultMaxSkippedSteps)
{
    /// <summary>
    /// Single batches with gradients that are not finite are harmless, but a longer series does not end: the weights have diverged.
    /// </summary>
    public const int DefaultMaxSkippedSteps = 10;

    /// <summary>The number of accepted steps after which the mean is accurate enough to detect outliers.</summary>
    public const int StepsBeforeOutliers = 20;

    /// <summary>The weight of a new norm in the running mean. Until there are 1 / this many norms, all have equal weight.</summary>
    private const double NewWeight = 0.02;

    /// <summary>The state; set it to resume the guard of an earlier run.</summary>
    public StepGuardState State { get; set; } = new();

    /// <summary>Returns whether to take a step, and updates the state.</summary>
    /// <param name="step">The step, for the message.</param>
    /// <param name="gradNorm">The global norm of its gradient, before clipping.</param>
    /// <exception cref="InvalidOperationException">Too many steps in a row were skipped.</exception>
    public bool Accept(long step, double gradNorm)
    {
        StepGuardState s = State;
        bool finite = double.IsFinite(gradNorm);
        bool outlier = finite && outlierFactor > 0 && s.AcceptedSteps >= StepsBeforeOutliers && gradNorm > outlierFactor * s.MeanNorm;
        if (finite && !outlier)
        {
            double weight = Math.Max(1.0 / (s.AcceptedSteps + 1), NewWeight);
            State = s with
            {
                MeanNorm = s.MeanNorm + (gradNorm - s.MeanNorm) * weight,
                LastNorm = gradNorm,
                AcceptedSteps = s.AcceptedSteps + 1,
                ConsecutiveSkips = 0,
            };
            return true;
        }

        State = s with { SkippedSteps = s.SkippedSteps + 1, ConsecutiveSkips = s.ConsecutiveSkips + 1 };
        if (State.ConsecutiveSkips < maxSkippedSteps) return false;
        string what = finite
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"The norm of the gradient is {gradNorm:G4} at step {step}, more than {outlierFactor} times its mean of {s.MeanNorm:G4}")
            : $"The loss or its gradient is not finite at step {step}";
        throw new InvalidOperationException(
            $"{what}, and {State.ConsecutiveSkips} steps in a row were skipped. " +
            "A lower LearningRate, a longer WarmupSteps or a smaller step size of the scheme may help.");
    }
}
