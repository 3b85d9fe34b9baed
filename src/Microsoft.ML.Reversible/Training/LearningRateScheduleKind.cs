namespace Microsoft.ML.Reversible;

/// <summary>
/// How the learning rate goes after the warm-up. With s the steps since its end and S their number, P the learning rate and F the final
/// one:
/// </summary>
public enum LearningRateScheduleKind
{
    /// <summary>P throughout; there is no F.</summary>
    Constant,

    /// <summary>F + (P - F) (1 + cos(π s / S)) / 2.</summary>
    Cosine,

    /// <summary>P + (F - P) s / S.</summary>
    Linear,

    /// <summary>
    /// P until the last D steps, over which it falls linearly: P + (F - P) d / D, with d the steps since the fall began. Before the fall,
    /// the rate does not depend on how long the run is.
    /// </summary>
    WarmupStableDecay,
}
