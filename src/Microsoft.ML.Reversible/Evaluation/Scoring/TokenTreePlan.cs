namespace Microsoft.ML.Reversible.Evaluation;

/// <summary>Decides which sequences are computed together.</summary>
internal static class TokenTreePlan
{
    /// <summary>
    /// How many tokens a row may hold beyond a context, so that what attention takes stays near what a plain window takes.
    /// </summary>
    private const int BeyondContext = 512;

    /// <summary>
    /// What a token costs a model, where attending to another one costs 1: a layer multiplies its stream by about 12 width² weights, and
    /// attends with 2 width products and the exponential of a softmax in each head, which was measured to take as long as 60 products.
    /// </summary>
    public static double TokenCost(LanguageModelConfiguration model) =>
        12.0 * model.Width * model.Width / (2.0 * model.Width + 60.0 * model.HeadCount);

    /// <summary>Batches of rows, those of the longest rows first.</summary>
    /// <param name="sequences">The sequences; those of which nothing is scored are left out.</param>
    /// <param name="context">The most tokens of a sequence.</param>
    /// <param name="tokenCost">What a token costs, where attending to another one costs 1.</param>
    /// <param name="batchTokens">The most tokens in a batch, padding included; a row that is longer is a batch by itself.</param>
    public static IEnumerable<TokenTree[]> Batches(ScoredTokens[] sequences, int context, double tokenCost, int batchTokens)
    {
        List<TokenTree> trees = Trees(sequences, context + BeyondContext, tokenCost);
        trees.Sort((a, b) => b.Count.CompareTo(a.Count));
        for (int first = 0, count; first < trees.Count; first += count)
        {
            count = Math.Clamp(batchTokens / trees[first].Count, 1, trees.Count - first);
            yield return [.. trees.GetRange(first, count)];
        }
    }

    private static List<TokenTree> Trees(ScoredTokens[] sequences, int most, double tokenCost)
    {
        int[] order = [.. Enumerable.Range(0, sequences.Length).Where(i => sequences[i].Scored > 0)];
        Array.Sort(order, (a, b) => sequences[a].Ids.AsSpan().SequenceCompareTo(sequences[b].Ids));
        var trees = new List<TokenTree>();
        foreach (int i in order)
        {
            if (trees.Count == 0 || !Fits(trees[^1], sequences[i], most, tokenCost)) trees.Add(new TokenTree());
            trees[^1].Add(i, sequences[i]);
        }
        return trees;
    }

    /// <summary>Whether a sequence costs less in the row than in one of its own.</summary>
    private static bool Fits(TokenTree tree, ScoredTokens sequence, int most, double tokenCost)
    {
        long alone = sequence.InputCount, longer = tree.Count + alone - tree.Shared(sequence);
        return longer <= most && Cost(longer) - Cost(tree.Count) < Cost(alone);

        double Cost(long tokens) => tokens * (tokenCost + tokens);
    }
}
