namespace Microsoft.ML.Reversible;

/// <summary>
/// Computes log-likelihoods of texts by the rules of lm-evaluation-harness. <see cref="ReversibleLmTransformer"/> implements it; implement
/// it to evaluate another model or a service.
/// </summary>
/// <remarks>Methods may be called from several threads at once.</remarks>
public interface ILogLikelihoodSource
{
    /// <summary>Computes the log-likelihoods of continuations. An implementation may reorder and batch the requests.</summary>
    /// <param name="requests">The contexts and continuations; may be empty.</param>
    /// <param name="progress">Receives the number of requests that are done, from time to time and at the end.</param>
    /// <param name="cancellationToken">Cancels the computation.</param>
    /// <returns>One score for each request, in their order.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    IReadOnlyList<ContinuationScore> Score(
        IReadOnlyList<ContinuationRequest> requests, IProgress<int>? progress = null, CancellationToken cancellationToken = default);

    /// <summary>
    /// Computes the rolling log-likelihoods of whole texts of any length. The text is split into consecutive windows. Each token is
    /// predicted once: the first from an empty context, the others from the tokens before them in their window.
    /// </summary>
    /// <param name="texts">The texts; may be empty.</param>
    /// <param name="progress">Receives the number of texts that are done, from time to time and at the end.</param>
    /// <param name="cancellationToken">Cancels the computation.</param>
    /// <returns>One score for each text, in their order.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    IReadOnlyList<ContinuationScore> ScoreRolling(
        IReadOnlyList<string> texts, IProgress<int>? progress = null, CancellationToken cancellationToken = default);
}

/// <summary>A request for the log-likelihood of a continuation given its context.</summary>
/// <param name="Context">
/// The text before the continuation. Its trailing white space is moved to the continuation; an empty context means the beginning of a text.
/// </param>
/// <param name="Continuation">The text that is scored, including the space that separates it from the context.</param>
public readonly record struct ContinuationRequest(string Context, string Continuation);

/// <summary>The log-likelihood of a continuation or text.</summary>
/// <param name="LogLikelihood">The sum of its tokens' log-probabilities, nats; 0 if it has no tokens.</param>
/// <param name="IsGreedy">Whether each token is the most likely one at its place, so that greedy decoding would generate it.</param>
/// <param name="TokenCount">The number of tokens.</param>
public readonly record struct ContinuationScore(double LogLikelihood, bool IsGreedy, int TokenCount);
