using Microsoft.ML.Data;

namespace Microsoft.ML;

public sealed partial class MulticlassClassificationCatalog
{
    public MulticlassClassificationMetrics Evaluate(IDataView data, string labelColumnName = "Label", string scoreColumnName = "Score",
        string predictedLabelColumnName = "PredictedLabel", int topKPredictionCount = 0)
    {
        ArgumentNullException.ThrowIfNull(data);
        var label = Find(data.Schema, "label", labelColumnName);
        var score = Find(data.Schema, "score", scoreColumnName);
        Find(data.Schema, "predicted label", predictedLabelColumnName);
        if (score.Type is not VectorDataViewType { Size: >= 2 } vector || vector.ItemType != NumberDataViewType.Single)
        {
            throw Errors.SchemaMismatch(
                "schema", "score", scoreColumnName, "vector of two or more items of type Single", score.Type.ToString());
        }
        var counts = new MulticlassCounts(vector.Size);
        using var cursor = data.GetRowCursor([label, score]);
        var readLabel = LabelReader(cursor, label);
        var readScore = cursor.GetGetter<VBuffer<float>>(score);
        var scores = new float[vector.Size];
        VBuffer<float> buffer = default;
        while (cursor.MoveNext())
        {
            if (readLabel() is not { } known)
                continue;
            readScore(ref buffer);
            buffer.CopyTo(scores);
            counts.Add(known, scores);
        }
        return new MulticlassClassificationMetrics(counts, topKPredictionCount);
    }

    private static DataViewSchema.Column Find(DataViewSchema schema, string role, string name) =>
        schema.GetColumnOrNull(name) ?? throw Errors.SchemaMismatch(nameof(schema), role, name);

    /// <summary>The class from 0 on, null where the row has none.</summary>
    private static Func<int?> LabelReader(DataViewRow row, DataViewSchema.Column label)
    {
        var value = Getters.Boxed(row, label);
        if (label.Type is KeyDataViewType)
            return () => Convert.ToUInt64(value()) is > 0 and var key ? (int)(key - 1) : null;
        if (label.Type == NumberDataViewType.Single)
            return () => value() is float and >= 0 and var number ? (int)(float)number : null;
        throw Errors.SchemaMismatch("schema", "label", label.Name, "Single or Key", label.Type.ToString());
    }
}
