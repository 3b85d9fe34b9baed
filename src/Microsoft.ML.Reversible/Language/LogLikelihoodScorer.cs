using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using Microsoft.ML.Reversible.Tokenizers;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Language;

/// <summary>Computes log-likelihoods with a model, in batches. Safe to use from several threads.</summary>
/// <remarks>
/// A request's result does not depend on the other requests, except for rounding: about 1e-5 in float arithmetic; in exact arithmetic, the
/// effect of a hidden state that rounds to a neighbouring grid point.
/// </remarks>
/// <param name="model">The model.</param>
/// <param name="batchTokens">
/// The maximum number of tokens in a batch, including padding, at least 1; null chooses by the model's device.
/// </param>
internal sealed class LogLikelihoodScorer(LanguageModel model, int? batchTokens = null) : ILogLikelihoodSource
{
    // Sized so that a batch fits a CPU's caches, or fills a GPU.
    private const int ProcessorTokens = 1024;
    private const int GpuTokens = 16384;

    private int BatchTokens => batchTokens ?? BatchTokensOn(model.Network.Device);

    /// <summary>Returns the default for the maximum number of tokens in a batch.</summary>
    internal static int BatchTokensOn(Device device) => device.type == DeviceType.CUDA ? GpuTokens : ProcessorTokens;

    /// <summary>Returns the exception for a result that is not a number.</summary>
    /// <param name="given">What the model gives.</param>
    /// <param name="result">What would be computed from it.</param>
    internal static InvalidOperationException NotFinite(string given = "logits", string result = "log-likelihood") => new(
        $"The model gives {given} that are not finite, so there is no {result}. Its weights may be damaged.");

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

    /// <summary>Groups sequences into batches of rows.</summary>
    internal IEnumerable<TokenTree[]> Batches(ScoredTokens[] sequences)
    {
        LanguageModelConfiguration configuration = model.Network.Configuration;
        return TokenTreePlan.Batches(
            sequences, configuration.ContextLength, TokenTreePlan.TokenCost(configuration), BatchTokens, configuration.FixedLength);
    }

    /// <summary>Scores the sequences and sums the scores by owner: the request, or the text of several windows.</summary>
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

/// <summary>Makes glibc keep freed memory for the next batch.</summary>
internal static class KeptMemory
{
    /// <summary>Just below 32 MiB, the largest block whose release raises glibc's threshold.</summary>
    private const long Bytes = 30 << 20;

    private static readonly Lazy<bool> _ready = new(FreeOnce);

    /// <summary>Raises the threshold on the first call.</summary>
    /// <remarks>
    /// glibc returns free memory at the end of its heap to the kernel when it exceeds 128 KiB. The next operation must then fault in and
    /// zero each page again, which took over a quarter of a batch's time. Freeing one mapped block raises the threshold to twice that
    /// block's size (M_TRIM_THRESHOLD in mallopt(3)). With other allocators, this only allocates and frees a block.
    /// </remarks>
    public static void MakeReady() => _ = _ready.Value;

    private static bool FreeOnce()
    {
        using Tensor block = empty(Bytes, dtype: ScalarType.Byte, device: CPU);
        return true;
    }
}

/// <summary>
/// Encodes contexts and continuations as lm-evaluation-harness does. Context and continuation are encoded as one text. If the context alone
/// has n tokens, the tokens after the first n belong to the continuation, even if a token spans the boundary.
/// </summary>
internal sealed class ContinuationEncoder(LanguageModel model)
{
    private readonly LanguageModelTokenizer _tokenizer = model.Tokenizer;
    private readonly int[] _before = Prompt.BeginsTexts(model) ? [model.Tokenizer.BeginOfTextId] : [];
    private readonly int _window = model.Network.Configuration.ContextLength;

    /// <summary>Encodes each request.</summary>
    /// <exception cref="ArgumentException">A text has a character that the vocabulary cannot represent.</exception>
    /// <exception cref="InvalidDataException">A continuation has no token.</exception>
    public ScoredTokens[] Encode(IReadOnlyList<ContinuationRequest> requests, CancellationToken cancellationToken)
    {
        var contexts = new ConcurrentDictionary<string, int[]>(StringComparer.Ordinal);
        var encoded = new ScoredTokens[requests.Count];
        InParallel(requests.Count, cancellationToken, i => encoded[i] = Encode(requests[i], contexts));
        return encoded;
    }

    /// <summary>Encodes each text and splits it into consecutive windows.</summary>
    /// <exception cref="ArgumentException">A text has a character that the vocabulary cannot represent.</exception>
    public ScoredTokens[][] EncodeRolling(IReadOnlyList<string> texts, CancellationToken cancellationToken)
    {
        var encoded = new ScoredTokens[texts.Count][];
        InParallel(texts.Count, cancellationToken, i => encoded[i] = Windows(texts[i]));
        return encoded;
    }

    private ScoredTokens Encode(ContinuationRequest request, ConcurrentDictionary<string, int[]> contexts)
    {
        int length = request.Context.Length;
        while (length > 0 && PythonText.IsSpace(request.Context[length - 1])) length--;
        string context = request.Context[..length], continuation = request.Context[length..] + request.Continuation;
        int[] before = context.Length == 0 ? [model.PrefixId] : contexts.GetOrAdd(context, WithPrefix);
        int[] whole = context.Length == 0 ? [.. before, .. _tokenizer.Encode(continuation)] : WithPrefix(context + continuation);
        if (whole.Length <= before.Length)
            throw new InvalidDataException(
                $"The continuation '{request.Continuation}' of '{request.Context}' has no token, so there is nothing to score.");
        return ScoredTokens.Of(before, whole.AsSpan(before.Length), _window);
    }

    private ScoredTokens[] Windows(string text)
    {
        int[] tokens = _tokenizer.Encode(text), ids = [model.PrefixId, .. tokens];
        return
        [
            .. TextScorer.Windows(tokens.Length, _window).Select(window =>
                new ScoredTokens(ids[window.Start..(window.Start + window.Length + 1)], window.Scored)),
        ];
    }

    private int[] WithPrefix(string text) => [.. _before, .. _tokenizer.Encode(text)];

    private static void InParallel(int count, CancellationToken cancellationToken, Action<int> encode)
    {
        try
        {
            Parallel.For(0, count, new ParallelOptions { CancellationToken = cancellationToken }, encode);
        }
        catch (AggregateException e) when (e.InnerException is not null)
        {
            ExceptionDispatchInfo.Throw(e.InnerException);
        }
    }
}

/// <summary>A sequence of tokens whose last ones are scored, each given all tokens before it.</summary>
/// <param name="Ids">The tokens. The last one is only a target, so there is one input less. The inputs fit the context.</param>
/// <param name="Scored">The number of scored tokens, less than the number of tokens.</param>
internal readonly record struct ScoredTokens(int[] Ids, int Scored)
{
    /// <summary>The number of inputs.</summary>
    public int InputCount => Ids.Length - 1;

    /// <summary>
    /// Joins a context and its continuation, and truncates them from the left to a window. Of a continuation longer than the window, only
    /// the last tokens are scored.
    /// </summary>
    /// <param name="context">The context, at least one token.</param>
    /// <param name="continuation">The continuation.</param>
    /// <param name="window">The maximum number of inputs.</param>
    public static ScoredTokens Of(ReadOnlySpan<int> context, ReadOnlySpan<int> continuation, int window)
    {
        int scored = Math.Min(continuation.Length, window);
        int kept = Math.Min(context.Length + continuation.Length, window + 1);
        int ofContext = Math.Max(0, kept - continuation.Length);
        return new([.. context[^ofContext..], .. continuation[^(kept - ofContext)..]], scored);
    }
}
