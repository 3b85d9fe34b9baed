using Microsoft.ML.Reversible.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Language;

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

/// <summary>Makes the C library of Linux keep freed memory for what comes next.</summary>
internal static class KeptMemory
{
    /// <summary>Just below the 32 MiB up to which glibc learns.</summary>
    private const long Bytes = 30 << 20;

    private static readonly Lazy<bool> _ready = new(FreeOnce);

    /// <summary>Has it learn, unless that is done.</summary>
    /// <remarks>
    /// glibc gives what is free at the end of its heap back to the kernel, 128 KiB and more of it, and the next operation has each page
    /// faulted in and zeroed again: over a quarter of the time of a batch. Once a block that it had mapped is freed, it keeps twice that
    /// block's size. Any other allocator just frees the block.
    /// </remarks>
    public static void MakeReady() => _ = _ready.Value;

    private static bool FreeOnce()
    {
        using Tensor block = empty(Bytes, dtype: ScalarType.Byte, device: CPU);
        return true;
    }
}
