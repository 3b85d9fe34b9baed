namespace Microsoft.ML.Reversible;

/// <summary>
/// What gives texts their log-likelihoods, the rules being those of lm-evaluation-harness. <see cref="ReversibleLmTransformer"/> is one;
/// another model, or a service, is plugged in by implementing this.
/// </summary>
/// <remarks>Calls may come from several threads at once.</remarks>
public interface ILogLikelihoodSource
{
    /// <summary>Scores continuations. The requests may be answered in any order, and together.</summary>
    /// <param name="requests">What to score; none gives none.</param>
    /// <param name="progress">Is told how many of the requests are done, from time to time and last.</param>
    /// <param name="cancellationToken">Ends the scoring.</param>
    /// <returns>One score a request, in their order.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    IReadOnlyList<ContinuationScore> Score(
        IReadOnlyList<ContinuationRequest> requests, IProgress<int>? progress = null, CancellationToken cancellationToken = default);

    /// <summary>
    /// Scores whole texts of any length: each token is predicted once, the first from the beginning of a text, and the others from as many
    /// tokens before them as the model's windows, which follow one another, hold.
    /// </summary>
    /// <param name="texts">What to score; none gives none.</param>
    /// <param name="progress">Is told how many of the texts are done, from time to time and last.</param>
    /// <param name="cancellationToken">Ends the scoring.</param>
    /// <returns>One score a text, in their order.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    IReadOnlyList<ContinuationScore> ScoreRolling(
        IReadOnlyList<string> texts, IProgress<int>? progress = null, CancellationToken cancellationToken = default);
}

/// <summary>A question to a language model: how likely is this text after that one?</summary>
/// <param name="Context">
/// What comes before. Trailing white space counts with the continuation; an empty context stands for the beginning of a text.
/// </param>
/// <param name="Continuation">What follows, with the space that parts it from the context.</param>
public readonly record struct ContinuationRequest(string Context, string Continuation);

/// <summary>How likely a continuation is.</summary>
/// <param name="LogLikelihood">The sum of its tokens' log-probabilities, nats; 0 where it has no tokens.</param>
/// <param name="IsGreedy">Whether each of its tokens is the most likely one there, so that greedy decoding would write it.</param>
/// <param name="TokenCount">How many tokens the sum is over.</param>
public readonly record struct ContinuationScore(double LogLikelihood, bool IsGreedy, int TokenCount);
