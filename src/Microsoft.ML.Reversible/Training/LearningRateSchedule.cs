namespace Microsoft.ML.Reversible.Training;

/// <summary>Linear warm-up, then half a cosine down to the final rate; computed from the step alone, so that it resumes.</summary>
/// <param name="Peak">The rate at the end of the warm-up.</param>
/// <param name="Final">The rate at the last step.</param>
/// <param name="WarmupSteps">Steps of the warm-up, at least 0.</param>
/// <param name="MaxSteps">Steps in all.</param>
internal readonly record struct LearningRateSchedule(double Peak, double Final, int WarmupSteps, int MaxSteps)
{
    /// <summary>The rate of a step.</summary>
    /// <param name="step">The step, from 0.</param>
    public double At(int step)
    {
        if (step < WarmupSteps) return Peak * (step + 1) / (WarmupSteps + 1);
        if (step >= MaxSteps) return Final;
        double progress = (double)(step - WarmupSteps) / (MaxSteps - WarmupSteps);
        return Final + 0.5 * (1 + Math.Cos(Math.PI * progress)) * (Peak - Final);
    }
}
