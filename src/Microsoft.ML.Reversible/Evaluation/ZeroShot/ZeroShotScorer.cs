namespace Microsoft.ML.Reversible.Evaluation;

/// <summary>Asks a model about items.</summary>
internal static class ZeroShotScorer
{
    /// <summary>The scores of some items of a kind.</summary>
    /// <param name="source">The model.</param>
    /// <param name="kind">The kind of the items' task.</param>
    /// <param name="items">The items.</param>
    /// <param name="progress">Is told how many items are done.</param>
    /// <param name="cancellationToken">Ends the scoring.</param>
    /// <exception cref="InvalidOperationException">The source has not answered all requests.</exception>
    public static ZeroShotScore[] Score(
        ILogLikelihoodSource source, ZeroShotKind kind, IReadOnlyList<ZeroShotItem> items, IProgress<int>? progress,
        CancellationToken cancellationToken)
    {
        ContinuationRequest[] requests = [];
        string[] texts = [];
        if (kind == ZeroShotKind.RollingLogLikelihood) texts = [.. items.Select(item => item.Continuations[0])];
        else requests = [.. items.SelectMany(Requests)];
        int count = texts.Length + requests.Length;
        var each = progress is null ? null : new Share(progress, items.Count, count);
        IReadOnlyList<ContinuationScore> scores = kind == ZeroShotKind.RollingLogLikelihood
            ? source.ScoreRolling(texts, each, cancellationToken)
            : source.Score(requests, each, cancellationToken);
        if (scores.Count != count)
            throw new InvalidOperationException(
                $"The source of log-likelihoods {source.GetType()} gave {scores.Count} scores for {count} requests.");

        var results = new ZeroShotScore[items.Count];
        int next = 0;
        for (int i = 0; i < results.Length; i++)
        {
            var own = new ContinuationScore[items[i].ChoiceCount];
            for (int choice = 0; choice < own.Length; choice++) own[choice] = scores[next++];
            results[i] = new(items[i], own);
        }
        return results;
    }

    private static IEnumerable<ContinuationRequest> Requests(ZeroShotItem item)
    {
        for (int choice = 0; choice < item.ChoiceCount; choice++)
        {
            yield return new(
                item.Contexts[item.Contexts.Count == 1 ? 0 : choice],
                ZeroShotTask.Delimiter + item.Continuations[item.Continuations.Count == 1 ? 0 : choice]);
        }
    }

    /// <summary>Tells of items where requests are told of.</summary>
    private sealed class Share(IProgress<int> progress, int items, int requests) : IProgress<int>
    {
        public void Report(int value) => progress.Report((int)((long)items * value / requests));
    }
}
