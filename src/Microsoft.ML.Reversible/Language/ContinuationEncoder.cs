using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Reversible.Text;

namespace Microsoft.ML.Reversible.Language;

/// <summary>
/// Turns contexts and continuations into tokens as lm-evaluation-harness does: both are encoded together, and the tokens after as many as
/// the context has alone are the continuation's, whatever became of the seam.
/// </summary>
internal sealed class ContinuationEncoder(LanguageModel model)
{
    private readonly LanguageModelTokenizer _tokenizer = model.Tokenizer;
    private readonly int[] _before = Prompt.BeginsTexts(model) ? [model.Tokenizer.BeginOfTextId] : [];
    private readonly int _window = model.Network.Configuration.ContextLength;

    /// <summary>The tokens of each request.</summary>
    /// <exception cref="ArgumentException">A text has a character that the vocabulary cannot represent.</exception>
    /// <exception cref="InvalidDataException">A continuation has no token.</exception>
    public ScoredTokens[] Encode(IReadOnlyList<ContinuationRequest> requests, CancellationToken cancellationToken)
    {
        var contexts = new ConcurrentDictionary<string, int[]>(StringComparer.Ordinal);
        var encoded = new ScoredTokens[requests.Count];
        InParallel(requests.Count, cancellationToken, i => encoded[i] = Encode(requests[i], contexts));
        return encoded;
    }

    /// <summary>The windows of each text, which follow one another.</summary>
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
                $"The continuation '{request.Continuation}' of '{request.Context}' has no token of its own, so there is nothing to score.");
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

/// <summary>Tokens of which the last ones are predicted, each from all before it.</summary>
/// <param name="Ids">The tokens; the last is predicted only, so that there is one input less. They fit the context.</param>
/// <param name="Scored">How many of the last ones are predicted; at least one less than there are.</param>
internal readonly record struct ScoredTokens(int[] Ids, int Scored)
{
    /// <summary>Number of inputs.</summary>
    public int InputCount => Ids.Length - 1;

    /// <summary>
    /// A continuation after its context, cut from the left to what a window takes: of a continuation that is longer, its last tokens count.
    /// </summary>
    /// <param name="context">At least one id.</param>
    /// <param name="continuation">Any number of ids.</param>
    /// <param name="window">The most inputs.</param>
    public static ScoredTokens Of(ReadOnlySpan<int> context, ReadOnlySpan<int> continuation, int window)
    {
        int scored = Math.Min(continuation.Length, window);
        int kept = Math.Min(context.Length + continuation.Length, window + 1);
        int ofContext = Math.Max(0, kept - continuation.Length);
        return new([.. context[^ofContext..], .. continuation[^(kept - ofContext)..]], scored);
    }
}
