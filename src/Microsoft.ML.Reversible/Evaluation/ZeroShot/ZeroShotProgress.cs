namespace Microsoft.ML.Reversible;

/// <summary>Where an evaluation stands.</summary>
/// <param name="Task">The task's name.</param>
/// <param name="Items">Items scored so far.</param>
/// <param name="ItemCount">Items in all; null where the data does not know how many rows it has.</param>
/// <param name="Elapsed">The time since the evaluation began.</param>
public readonly record struct ZeroShotProgress(string Task, long Items, long? ItemCount, TimeSpan Elapsed);
