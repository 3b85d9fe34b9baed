namespace Microsoft.ML.Reversible;

/// <summary>How likely a continuation is.</summary>
/// <param name="LogLikelihood">The sum of its tokens' log-probabilities, nats; 0 where it has no tokens.</param>
/// <param name="IsGreedy">Whether each of its tokens is the most likely one there, so that greedy decoding would write it.</param>
/// <param name="TokenCount">How many tokens the sum is over.</param>
public readonly record struct ContinuationScore(double LogLikelihood, bool IsGreedy, int TokenCount);
