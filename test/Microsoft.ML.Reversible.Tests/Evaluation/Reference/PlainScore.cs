using System.Text;

namespace Microsoft.ML.Reversible.Tests.Evaluation.Reference;

/// <summary>The scores of an item's answers, and the predictions that follow from them.</summary>
/// <param name="Question">The item.</param>
/// <param name="LogLikelihoods">Of each answer, in nats.</param>
/// <param name="Greedy">Whether every token of the answer was the likeliest one.</param>
internal sealed record PlainScore(PlainQuestion Question, double[] LogLikelihoods, bool[] Greedy)
{
    public int Predicted => FirstBest(LogLikelihoods);

    /// <summary>Divided by the number of code points.</summary>
    public int PredictedNormalized => FirstBest(Divided(choice => choice.EnumerateRunes().Count()));

    /// <summary>Divided by the number of UTF-8 bytes.</summary>
    public int PredictedByBytes => FirstBest(Divided(Encoding.UTF8.GetByteCount));

    public double[] Divided(Func<string, int> length) =>
        [.. LogLikelihoods.Zip(Question.Choices, (ll, choice) => ll / length(choice))];

    private static int FirstBest(double[] values)
    {
        int best = 0;
        for (int i = 1; i < values.Length; i++)
            if (values[i] > values[best]) best = i;
        return best;
    }
}
