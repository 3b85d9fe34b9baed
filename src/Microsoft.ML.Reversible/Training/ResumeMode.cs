namespace Microsoft.ML.Reversible;

/// <summary>What a run does about the checkpoints that stand in its folder.</summary>
public enum ResumeMode
{
    /// <summary>It goes on from the last one, or begins where there is none.</summary>
    IfPresent,

    /// <summary>It goes on from the last one, and refuses to begin where there is none.</summary>
    Required,

    /// <summary>It begins, and refuses a folder that holds checkpoints rather than overwriting them.</summary>
    Never,
}

/// <summary>What a run does where the last checkpoint is damaged.</summary>
public enum DamagedCheckpoint
{
    /// <summary>It refuses to go on, and says what is wrong with it.</summary>
    Refuse,

    /// <summary>It goes on from the latest one that is whole.</summary>
    UsePrevious,
}
