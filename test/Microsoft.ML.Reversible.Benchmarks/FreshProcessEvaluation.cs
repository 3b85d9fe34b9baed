using System.CommandLine;
using System.Text.Json;
using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.Benchmarks;

/// <summary>Loads a saved pipeline that ends with a zero-shot evaluation in this process, and evaluates a file of its task.</summary>
internal static class FreshProcessEvaluation
{
    /// <summary>The result of the evaluation.</summary>
    internal sealed record Result(string Task, long ItemCount, double Accuracy, double NormalizedAccuracy, float[] FirstScores);

    public static System.CommandLine.Command Command()
    {
        var model = new Argument<FileInfo>("model") { Description = "A zip written by mlContext.Reversible().Save." };
        var file = new Argument<FileInfo>("file") { Description = "A file of the task, in its published layout." };
        var command = new System.CommandLine.Command(
            "load-zero-shot", "Loads a saved zero-shot pipeline and evaluates a file, as JSON.") { model, file };
        command.SetAction(p =>
        {
            var ml = new MLContext();
            ITransformer loaded = ml.Reversible().Load(p.GetValue(model)!.FullName, out _);
            var evaluator = (ZeroShotTransformer)((TransformerChain<ITransformer>)loaded).LastTransformer;
            IDataView questions = ml.Reversible().LoadZeroShot(evaluator.Task, p.GetValue(file)!.FullName);
            ZeroShotMetrics metrics = evaluator.Evaluate(questions);
            float[] scores = [.. evaluator.Transform(questions).GetColumn<VBuffer<float>>("Score").First().DenseValues()];
            Console.WriteLine(JsonSerializer.Serialize(
                new Result(metrics.Task, metrics.ItemCount, metrics.Accuracy, metrics.NormalizedAccuracy, scores)));
        });
        return command;
    }
}
