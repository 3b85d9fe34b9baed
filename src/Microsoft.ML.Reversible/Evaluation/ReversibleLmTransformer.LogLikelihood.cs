using Microsoft.ML.Reversible.Evaluation;

namespace Microsoft.ML.Reversible;

public sealed partial class ReversibleLmTransformer
{
    /// <inheritdoc/>
    IReadOnlyList<ContinuationScore> ILogLikelihoodSource.Score(
        IReadOnlyList<ContinuationRequest> requests, IProgress<int>? progress, CancellationToken cancellationToken) =>
        new LogLikelihoodScorer(Live).Score(requests, progress, cancellationToken);

    /// <inheritdoc/>
    IReadOnlyList<ContinuationScore> ILogLikelihoodSource.ScoreRolling(
        IReadOnlyList<string> texts, IProgress<int>? progress, CancellationToken cancellationToken) =>
        new LogLikelihoodScorer(Live).ScoreRolling(texts, progress, cancellationToken);
}
