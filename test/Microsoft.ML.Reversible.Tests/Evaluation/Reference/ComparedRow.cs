using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.Tests.Evaluation.Reference;

/// <summary>The evaluator's columns of an item.</summary>
internal sealed record ComparedRow(float[] Scores, float[] Normalized, int Predicted, int PredictedNormalized)
{
    /// <summary>The rows of transformed data; a last word that greedy decoding writes has the prediction 0, another -1.</summary>
    public static ComparedRow[] Of(IDataView scored, ZeroShotKind kind)
    {
        if (kind == ZeroShotKind.LastWord)
        {
            return [.. scored.GetColumn<float>("Score").Zip(
                scored.GetColumn<bool>("PredictedLabel"),
                (score, greedy) => new ComparedRow([score], [score], greedy ? 0 : -1, greedy ? 0 : -1))];
        }
        float[][] scores = [.. Vectors(scored, "Score")], normalized = [.. Vectors(scored, "ScoreNormalized")];
        int[] labels = [.. scored.GetColumn<int>("PredictedLabel")];
        int[] labelsNormalized = [.. scored.GetColumn<int>("PredictedLabelNormalized")];
        return [.. scores.Select((score, i) => new ComparedRow(score, normalized[i], labels[i], labelsNormalized[i]))];
    }

    private static IEnumerable<float[]> Vectors(IDataView data, string column) =>
        data.GetColumn<VBuffer<float>>(column).Select(vector => vector.DenseValues().ToArray());
}
