using System.Text;

namespace Microsoft.ML.Reversible.Evaluation;

/// <summary>An item with the log-likelihoods that a model gives it.</summary>
/// <param name="Item">The item.</param>
/// <param name="Scores">One for each choice.</param>
internal sealed record ZeroShotScore(ZeroShotItem Item, ContinuationScore[] Scores)
{
    /// <summary>The log-likelihood of each choice, nats.</summary>
    public double[] LogLikelihoods { get; } = Array.ConvertAll(Scores, score => score.LogLikelihood);

    /// <summary>The length of each choice in characters as Python counts them, which are Unicode's code points.</summary>
    public int[] Lengths { get; } = [.. Scores.Select((_, i) => Text(Item, i).EnumerateRunes().Count())];

    /// <summary>The length of each choice in bytes of UTF-8.</summary>
    public int[] ByteLengths { get; } = [.. Scores.Select((_, i) => Encoding.UTF8.GetByteCount(Text(Item, i)))];

    /// <summary>The log-likelihood of each choice for each of its characters.</summary>
    public double[] Normalized => Divided(Lengths);

    /// <summary>The most likely choice.</summary>
    public int Prediction => IndexOfLargest(LogLikelihoods);

    /// <summary>The choice that is most likely for its length in characters.</summary>
    public int NormalizedPrediction => IndexOfLargest(Normalized);

    /// <summary>The choice that is most likely for its length in bytes.</summary>
    public int BytesPrediction => IndexOfLargest(Divided(ByteLengths));

    /// <summary>
    /// The index of the largest number, of the first where several are; of the first that is none, where there are such: NumPy's rule.
    /// </summary>
    internal static int IndexOfLargest(ReadOnlySpan<double> values)
    {
        int best = 0;
        for (int i = 0; i < values.Length; i++)
        {
            if (double.IsNaN(values[i])) return i;
            if (values[i] > values[best]) best = i;
        }
        return best;
    }

    private double[] Divided(int[] lengths) => [.. LogLikelihoods.Zip(lengths, (sum, length) => sum / length)];

    private static string Text(ZeroShotItem item, int choice) => item.Continuations[item.Continuations.Count == 1 ? 0 : choice];
}
