using System.Collections.Concurrent;

namespace Microsoft.ML.Reversible.Tests.Evaluation;

/// <summary>A source that invents log-likelihoods, and records how many requests each call has.</summary>
internal sealed class FakeSource(Func<string, string, double> logLikelihood) : ILogLikelihoodSource
{
    public ConcurrentQueue<int> Calls { get; } = [];

    public IReadOnlyList<ContinuationScore> Score(
        IReadOnlyList<ContinuationRequest> requests, IProgress<int>? progress = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Calls.Enqueue(requests.Count);
        ContinuationScore[] scores = [.. requests.Select(request => Of(request.Context, request.Continuation))];
        progress?.Report(requests.Count);
        return scores;
    }

    public IReadOnlyList<ContinuationScore> ScoreRolling(
        IReadOnlyList<string> texts, IProgress<int>? progress = null, CancellationToken cancellationToken = default) =>
        [.. texts.Select(text => Of("", text))];

    /// <summary>A continuation with more than -2 nats counts as greedy.</summary>
    private ContinuationScore Of(string context, string continuation)
    {
        double value = logLikelihood(context, continuation);
        return new(value, value > -2, continuation.Length);
    }
}
