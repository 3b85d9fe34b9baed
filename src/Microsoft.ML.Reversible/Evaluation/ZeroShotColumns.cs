using Microsoft.ML.Data;
using Microsoft.ML.Reversible.MLNet;

namespace Microsoft.ML.Reversible.Evaluation;

/// <summary>The names of the columns that a <see cref="ZeroShotTransformer"/> adds.</summary>
internal sealed record ZeroShotColumns(string Score, string ScoreNormalized, string PredictedLabel, string PredictedLabelNormalized)
{
    /// <summary>ML.NET's name for the annotation with the names of a vector's slots.</summary>
    private const string SlotNames = "SlotNames";

    public static ZeroShotColumns From(ZeroShotEvaluator.Options options) => new(
        options.ScoreColumnName, options.ScoreNormalizedColumnName, options.PredictedLabelColumnName,
        options.PredictedLabelNormalizedColumnName);

    /// <summary>Returns the columns for the scores of a task.</summary>
    /// <param name="task">The task.</param>
    /// <param name="start">Starts the scoring of a row.</param>
    public AddedColumns<ZeroShotScore> Added(ZeroShotTask task, Func<DataViewRow, RowComputation<ZeroShotScore>> start)
    {
        var added = new AddedColumns<ZeroShotScore>([.. task.Columns.Select(column => column.Name).Distinct()], start);
        if (task.Kind is ZeroShotKind.LastWord or ZeroShotKind.RollingLogLikelihood)
        {
            added.Add(Score, NumberDataViewType.Single, (in ZeroShotScore s, ref float value) => value = (float)s.LogLikelihoods[0]);
            return task.Kind == ZeroShotKind.RollingLogLikelihood ? added : added.Add(
                PredictedLabel, BooleanDataViewType.Instance, (in ZeroShotScore s, ref bool value) => value = s.Scores[0].IsGreedy);
        }
        var type = new VectorDataViewType(NumberDataViewType.Single, task.ChoiceNames.Count);
        DataViewSchema.Annotations? names = task.ChoiceNames.Count == 0 ? null : Named(task.ChoiceNames);
        return added
            .Add(Score, type, (in ZeroShotScore s, ref VBuffer<float> value) => Fill(ref value, s.LogLikelihoods), names)
            .Add(ScoreNormalized, type, (in ZeroShotScore s, ref VBuffer<float> value) => Fill(ref value, s.Normalized), names)
            .Add(PredictedLabel, NumberDataViewType.Int32, (in ZeroShotScore s, ref int value) => value = s.Prediction)
            .Add(
                PredictedLabelNormalized, NumberDataViewType.Int32,
                (in ZeroShotScore s, ref int value) => value = s.NormalizedPrediction);
    }

    private static void Fill(ref VBuffer<float> buffer, double[] values)
    {
        VBufferEditor<float> editor = VBufferEditor.Create(ref buffer, values.Length);
        for (int i = 0; i < values.Length; i++) editor.Values[i] = (float)values[i];
        buffer = editor.Commit();
    }

    private static DataViewSchema.Annotations Named(IReadOnlyList<string> names)
    {
        var builder = new DataViewSchema.Annotations.Builder();
        builder.Add(
            SlotNames, new VectorDataViewType(TextDataViewType.Instance, names.Count),
            (ref VBuffer<ReadOnlyMemory<char>> value) =>
            {
                VBufferEditor<ReadOnlyMemory<char>> editor = VBufferEditor.Create(ref value, names.Count);
                for (int i = 0; i < names.Count; i++) editor.Values[i] = names[i].AsMemory();
                value = editor.Commit();
            });
        return builder.ToAnnotations();
    }
}
