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
/// Decides from the gradient's norm whether a step is taken. It skips a norm that is not finite and, by option, one far above the running
/// mean. The norm is the only number read from the device: a loss that is not finite has a gradient that is not finite.
/// </summary>
/// <param name="outlierFactor">The multiple of the mean norm above which a step is skipped; 0 takes all finite steps.</param>
/// <param name="maxSkippedSteps">So many skipped steps in a row end the run, at least 1.</param>
internal sealed class StepGuard(double outlierFactor = 0, int maxSkippedSteps = StepGuard.DefaultMaxSkippedSteps)
{
    /// <summary>A few batches whose gradients are not finite are skipped; weights that are not finite never recover.</summary>
    public const int DefaultMaxSkippedSteps = 10;

    /// <summary>Accepted steps before the mean is good enough to call a norm an outlier.</summary>
    public const int StepsBeforeOutliers = 20;

    /// <summary>The weight of a new norm in the mean, once there are more than 1 / this of them; before that all weigh the same.</summary>
    private const double NewWeight = 0.02;

    /// <summary>The state; setting it resumes an earlier run's guard.</summary>
    public StepGuardState State { get; set; } = new();

    /// <summary>Returns whether to take a step, and counts it.</summary>
    /// <param name="step">The step, for the message.</param>
    /// <param name="gradNorm">The global norm of its gradient, before clipping.</param>
    /// <exception cref="InvalidOperationException">So many steps in a row were skipped that the run is over.</exception>
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
