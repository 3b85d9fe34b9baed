namespace Microsoft.ML.Reversible;

/// <summary>What a run does if its folder already has checkpoints.</summary>
public enum ResumeMode
{
    /// <summary>Resumes from the last one, or starts a new run if there is none.</summary>
    IfPresent,

    /// <summary>Resumes from the last one, and fails if there is none.</summary>
    Required,

    /// <summary>Starts a new run, and fails if the folder has checkpoints, which are never overwritten.</summary>
    Never,
}

/// <summary>What a run does if the last checkpoint is damaged.</summary>
public enum DamagedCheckpoint
{
    /// <summary>Fails with a message that describes the damage.</summary>
    Refuse,

    /// <summary>Resumes from the latest undamaged one.</summary>
    UsePrevious,
}
