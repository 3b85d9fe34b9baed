namespace Microsoft.ML.Reversible.Training;

/// <summary>
/// The learning rate as a function of the step alone, so that a resumed run continues it: a linear warm-up, then the curve of <paramref
/// name="Kind"/>.
/// </summary>
/// <param name="Peak">The rate after the warm-up.</param>
/// <param name="Final">The rate at the end of the run.</param>
/// <param name="WarmupSteps">Steps of the warm-up, at least 0.</param>
/// <param name="MaxSteps">Steps in all.</param>
/// <param name="Kind">The curve after the warm-up.</param>
/// <param name="DecaySteps">
/// Steps of the decay at the end of <see cref="LearningRateScheduleKind.WarmupStableDecay"/>; if it would begin during the warm-up, it
/// begins after it.
/// </param>
internal readonly record struct LearningRateSchedule(
    double Peak, double Final, int WarmupSteps, int MaxSteps,
    LearningRateScheduleKind Kind = LearningRateScheduleKind.Cosine, int DecaySteps = 0)
{
    /// <summary>Returns the rate of a step.</summary>
    /// <param name="step">The step, from 0.</param>
    public double At(long step)
    {
        if (step < WarmupSteps) return Peak * (step + 1) / (WarmupSteps + 1);
        return Kind switch
        {
            LearningRateScheduleKind.Constant => Peak,
            LearningRateScheduleKind.Cosine => Final + 0.5 * (1 + Math.Cos(Math.PI * Progress(step, WarmupSteps))) * (Peak - Final),
            LearningRateScheduleKind.Linear => Final + (1 - Progress(step, WarmupSteps)) * (Peak - Final),
            LearningRateScheduleKind.WarmupStableDecay =>
                Final + (1 - Progress(step, Math.Max(WarmupSteps, MaxSteps - DecaySteps))) * (Peak - Final),
            _ => throw new InvalidOperationException($"There is no learning rate schedule {Kind}."),
        };
    }

    /// <summary>Returns the progress of a step from a start to the end of the run, within [0, 1].</summary>
    private double Progress(long step, long start) => step >= MaxSteps ? 1 : Math.Max(0, (double)(step - start) / (MaxSteps - start));
}
