namespace Microsoft.ML.Reversible.Tests.Evaluation.Reference;

/// <summary>
/// Scores items one request after another in float64, by the rules of lm-evaluation-harness (commit 4e7e0d47f): the independent
/// reference for the fast scorer. Nothing of the product's evaluation is used here.
/// </summary>
internal sealed class PlainScorer(PlainReader model, PlainSentencePiece tokenizer)
{
    /// <summary>The scores of the items, in their order; the processors share the work.</summary>
    public PlainScore[] Score(IReadOnlyList<PlainQuestion> questions)
    {
        var scores = new PlainScore[questions.Count];
        Parallel.For(
            0, questions.Count, model.Another, (i, _, reader) =>
            {
                scores[i] = Score(reader, questions[i]);
                return reader;
            },
            _ => { });
        return scores;
    }

    /// <summary>The log-likelihood of a continuation, in nats, and whether each of its tokens is the likeliest.</summary>
    public (double LogLikelihood, bool Greedy) Score(PlainReader reader, string context, string continuation)
    {
        (List<int> before, List<int> after) = Pair(context, continuation);
        List<int> all = [.. before, .. after];
        all.RemoveRange(0, Math.Max(0, all.Count - (reader.ContextLength + 1)));
        int scored = Math.Min(after.Count, all.Count - 1);
        double[][] rows = reader.LastLogProbabilities(all[..^1], scored);

        double sum = 0;
        bool greedy = true;
        for (int i = 0; i < scored; i++)
        {
            int token = all[all.Count - scored + i];
            sum += rows[i][token];
            greedy &= Array.IndexOf(rows[i], rows[i].Max()) == token;
        }
        return (sum, greedy);
    }

    /// <summary>The tokens before the cut and after it. The cut counts tokens of the context alone in those of the whole.</summary>
    public (List<int> Before, List<int> After) Pair(string context, string continuation)
    {
        if (context.Length == 0) return (tokenizer.EncodeWithBegin(""), [.. tokenizer.Encode(continuation)]);

        string trimmed = context.TrimEnd();
        string moved = context[trimmed.Length..] + continuation;
        List<int> whole = tokenizer.EncodeWithBegin(trimmed + moved), before = tokenizer.EncodeWithBegin(trimmed);
        return (before, whole[Math.Min(before.Count, whole.Count)..]);
    }

    /// <summary>
    /// Returns the log-likelihood of a whole text after begin-of-text, in consecutive windows of the context's length. The last window
    /// begins earlier, so that it is full.
    /// </summary>
    public double ScoreWhole(PlainReader reader, string text)
    {
        List<int> all = tokenizer.EncodeWithBegin(text);
        double sum = 0;
        for (int done = 1; done < all.Count;)
        {
            int end = Math.Min(done + reader.ContextLength, all.Count);
            double[][] rows = reader.LastLogProbabilities(all[Math.Max(0, end - reader.ContextLength - 1)..(end - 1)], end - done);
            for (int i = done; i < end; i++) sum += rows[i - done][all[i]];
            done = end;
        }
        return sum;
    }

    private PlainScore Score(PlainReader reader, PlainQuestion question)
    {
        var pairs = question.Contexts.Zip(question.Continuations, (c, t) => Score(reader, c, " " + t)).ToArray();
        return new(question, [.. pairs.Select(p => p.LogLikelihood)], [.. pairs.Select(p => p.Greedy)]);
    }
}
