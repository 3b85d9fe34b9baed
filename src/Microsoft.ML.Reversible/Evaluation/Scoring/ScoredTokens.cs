namespace Microsoft.ML.Reversible.Evaluation;

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
