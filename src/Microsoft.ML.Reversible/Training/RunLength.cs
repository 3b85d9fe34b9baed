using System.Globalization;

namespace Microsoft.ML.Reversible.Training;

/// <summary>
/// Decides whether a resumed run may have another number of steps than its checkpoint's. It may if the learning rates of all steps already
/// done stay the same to the bit, since nothing else in a step depends on the number.
/// </summary>
internal static class RunLength
{
    /// <summary>The options that decide the number of steps and how the rates depend on it.</summary>
    public static IReadOnlyList<string> Options { get; } =
    [
        nameof(TrainingOptions.MaxSteps), nameof(TrainingOptions.MaxEpochs), nameof(TrainingOptions.WarmupSteps),
        nameof(TrainingOptions.DecaySteps),
    ];

    /// <summary>Returns the learning rates of a run.</summary>
    /// <param name="options">The options, with the number of steps.</param>
    public static LearningRateSchedule Schedule(TrainingOptions options) => new(
        options.EffectiveLearningRate, options.EffectiveFinalLearningRate, options.EffectiveWarmupSteps!.Value,
        options.EffectiveMaxSteps!.Value, options.Schedule, options.EffectiveDecaySteps!.Value);

    /// <summary>Compares the numbers of steps of a checkpoint and of the run that resumes it.</summary>
    /// <param name="state">The checkpoint's state.</param>
    /// <param name="known">The fingerprint of the run that resumes it.</param>
    /// <param name="asked">The options of the run that resumes it.</param>
    /// <param name="examplesPerEpoch">The number of examples in a pass over the data; null if it is not known yet.</param>
    /// <returns>
    /// Why the run cannot have the steps that are asked for, and what can change; null if it can, or if that depends on the number of
    /// examples and this is not known.
    /// </returns>
    public static string? Conflict(RunState state, Fingerprint known, TrainingOptions asked, long? examplesPerEpoch)
    {
        if (Options.All(name => Earlier(name) == known.Settings[name])) return null;
        TrainingOptions before = asked.Copy();
        (before.MaxSteps, before.WarmupSteps, before.DecaySteps) =
            (Number(nameof(before.MaxSteps)), Number(nameof(before.WarmupSteps)), Number(nameof(before.DecaySteps)));
        before.MaxEpochs =
            double.TryParse(Earlier(nameof(before.MaxEpochs)), CultureInfo.InvariantCulture, out double epochs) ? epochs : null;
        if (before.MaxEpochs is null && asked.MaxEpochs is null) return Conflict(before, asked, state.Step);
        if (examplesPerEpoch is { } examples) return Conflict(before.WithStepsOf(examples), asked.WithStepsOf(examples), state.Step);
        return asked.MaxSteps < state.Step ? TooFew(state.Step) : null;

        string Earlier(string name) => state.Fingerprint.Earlier(name, known);

        int? Number(string name) => int.TryParse(Earlier(name), CultureInfo.InvariantCulture, out int number) ? number : null;
    }

    private static string? Conflict(TrainingOptions before, TrainingOptions asked, int step)
    {
        int was = before.EffectiveMaxSteps!.Value, now = asked.EffectiveMaxSteps!.Value;
        if (now != was && now <= step) return TooFew(step);
        (LearningRateSchedule old, LearningRateSchedule next) = (Schedule(before), Schedule(asked));
        for (int done = 0; done < step; done++)
        {
            if (old.At(done) == next.At(done)) continue;
            return string.Create(
                CultureInfo.InvariantCulture,
                $"by that, step {done + 1}, which is done, would have had the learning rate {next.At(done)} and not {old.At(done)}. " +
                $"The number of steps can change while the rates of the steps done stay the same: with WarmupSteps {old.WarmupSteps}, " +
                $"and with Schedule Constant, or WarmupStableDecay before its decay begins");
        }
        return null;
    }

    private static string TooFew(int step) => $"{step} steps are done. Another number of steps must be greater than these";
}
