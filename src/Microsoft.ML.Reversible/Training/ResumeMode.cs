namespace Microsoft.ML.Reversible;

/// <summary>What a run does about the checkpoints that are in its folder already.</summary>
public enum ResumeMode
{
    /// <summary>Resumes from the last one, or starts where there is none.</summary>
    IfPresent,

    /// <summary>Resumes from the last one, and fails where there is none.</summary>
    Required,

    /// <summary>Starts, and fails where the folder holds checkpoints, which are not overwritten.</summary>
    Never,
}

/// <summary>What a run does where the last checkpoint is damaged.</summary>
public enum DamagedCheckpoint
{
    /// <summary>Fails, with a message that says what is wrong with it.</summary>
    Refuse,

    /// <summary>Resumes from the latest one that is not damaged.</summary>
    UsePrevious,
}
