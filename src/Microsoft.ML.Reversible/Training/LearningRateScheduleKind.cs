namespace Microsoft.ML.Reversible;

/// <summary>
/// The curve of the learning rate after the warm-up. s is the number of steps since the end of the warm-up, S its value at the end of the
/// run, P the learning rate and F the final learning rate.
/// </summary>
public enum LearningRateScheduleKind
{
    /// <summary>P throughout; F is not used.</summary>
    Constant,

    /// <summary>F + (P - F) (1 + cos(π s / S)) / 2.</summary>
    Cosine,

    /// <summary>P + (F - P) s / S.</summary>
    Linear,

    /// <summary>
    /// P until the last D steps, over which it falls linearly: P + (F - P) d / D, with d the steps since the decay began. Before the decay,
    /// the rate does not depend on the length of the run.
    /// </summary>
    WarmupStableDecay,
}
