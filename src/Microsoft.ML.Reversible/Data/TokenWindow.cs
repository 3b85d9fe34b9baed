namespace Microsoft.ML.Reversible.Data;

/// <summary>A part of a stream of tokens that is learned from in one piece.</summary>
/// <param name="Start">Its first input.</param>
/// <param name="Targets">How many inputs it has, each with the token after it as target; at least 1.</param>
internal readonly record struct TokenWindow(long Start, int Targets);
