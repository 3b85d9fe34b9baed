using Microsoft.ML.Reversible.Models;
using TorchSharp;

namespace Microsoft.ML.Reversible.Evaluation;

/// <summary>The log-likelihoods that a model gives, computed many together. Safe to use from several threads.</summary>
/// <remarks>
/// The number of a request does not depend on the others, within rounding: 1e-5 in float arithmetic, and what a step of the grid makes in
/// exact arithmetic, where rounding may fall the other way.
/// </remarks>
/// <param name="model">The model.</param>
/// <param name="batchTokens">
/// The most tokens that are computed together, padding included, at least 1; null for what suits the model's device.
/// </param>
internal sealed class LogLikelihoodScorer(LanguageModel model, int? batchTokens = null) : ILogLikelihoodSource
{
    // What a processor's caches hold, and what fills a GPU.
    private const int ProcessorTokens = 1024;
    private const int GpuTokens = 16384;

    private int BatchTokens => batchTokens ?? (model.Network.Device.type == DeviceType.CUDA ? GpuTokens : ProcessorTokens);

    /// <inheritdoc/>
    public IReadOnlyList<ContinuationScore> Score(
        IReadOnlyList<ContinuationRequest> requests, IProgress<int>? progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(requests);
        model.ThrowIfDisposed();
        cancellationToken.ThrowIfCancellationRequested();
        foreach (ContinuationRequest request in requests)
            if (request.Context is null || request.Continuation is null)
                throw new ArgumentException("A request's context and continuation must not be null.", nameof(requests));
        ScoredTokens[] sequences = new ContinuationEncoder(model).Encode(requests, cancellationToken);
        return Sums(sequences, [.. Enumerable.Range(0, sequences.Length)], requests.Count, progress, cancellationToken);
    }

    /// <inheritdoc/>
    public IReadOnlyList<ContinuationScore> ScoreRolling(
        IReadOnlyList<string> texts, IProgress<int>? progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(texts);
        model.ThrowIfDisposed();
        cancellationToken.ThrowIfCancellationRequested();
        if (texts.Contains(null!)) throw new ArgumentException("A text must not be null.", nameof(texts));
        ScoredTokens[][] windows = new ContinuationEncoder(model).EncodeRolling(texts, cancellationToken);
        int[] owners = [.. windows.SelectMany((own, text) => own.Select(_ => text))];
        return Sums([.. windows.SelectMany(own => own)], owners, texts.Count, progress, cancellationToken);
    }

    /// <summary>What is computed together for some sequences.</summary>
    internal IEnumerable<TokenTree[]> Batches(ScoredTokens[] sequences)
    {
        LanguageModelConfiguration configuration = model.Network.Configuration;
        return TokenTreePlan.Batches(sequences, configuration.ContextLength, TokenTreePlan.TokenCost(configuration), BatchTokens);
    }

    /// <summary>The scores of what the sequences are parts of.</summary>
    private ContinuationScore[] Sums(
        ScoredTokens[] sequences, int[] owners, int count, IProgress<int>? progress, CancellationToken cancellationToken)
    {
        var scores = new ContinuationScore[count];
        var left = new int[count];
        Array.Fill(scores, new ContinuationScore(0, IsGreedy: true, 0));
        for (int i = 0; i < sequences.Length; i++) left[owners[i]] += sequences[i].Scored;
        int done = left.Count(tokens => tokens == 0);
        if (model.Network.Device.type == DeviceType.CPU) KeptMemory.MakeReady();
        foreach (TokenTree[] rows in Batches(sequences))
        {
            cancellationToken.ThrowIfCancellationRequested();
            model.ThrowIfDisposed();
            foreach (TokenTreeBatch.Result result in new TokenTreeBatch(model.Network, rows).Run())
            {
                int owner = owners[result.Sequence];
                ContinuationScore sum = scores[owner];
                scores[owner] = new(sum.LogLikelihood + result.LogLikelihood, sum.IsGreedy && result.IsGreedy, sum.TokenCount + 1);
                if (--left[owner] == 0) done++;
            }
            progress?.Report(done);
        }
        return scores;
    }
}
