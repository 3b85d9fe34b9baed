using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.Tests.Repository;

/// <summary>The programs of docs/evaluation.md. What stands between the markers is compared with the page and run.</summary>
internal static class EvaluationSnippets
{
    internal sealed class Riddle
    {
        public string Question { get; set; } = "";

        public string[] Answers { get; set; } = [];

        public int Right { get; set; }
    }

    public static ZeroShotMetrics Score(MLContext ml, string folder)
    {
        // <snippet>
        using ReversibleLmTransformer model = ml.Reversible().LoadPretrained(Path.Combine(folder, "model"));
        IDataView questions = ml.Reversible().LoadZeroShot(ZeroShotTasks.Piqa, Path.Combine(folder, "valid.jsonl"));

        ZeroShotTransformer evaluator = ml.Reversible().ZeroShot(model, ZeroShotTasks.Piqa).Fit(questions);
        ZeroShotMetrics metrics = evaluator.Evaluate(questions);
        Console.WriteLine(metrics);                               // the harness's table
        Console.WriteLine($"{metrics.Accuracy:P1} ± {metrics.AccuracyStandardError:P1} of {metrics.ItemCount} items");

        IDataView answered = evaluator.Transform(questions);      // adds Score, ScoreNormalized and the predicted labels
        int[] predicted = [.. answered.GetColumn<int>("PredictedLabel")];
        // </snippet>
        Assert.HasCount((int)metrics.ItemCount, predicted);
        return metrics;
    }

    public static ZeroShotMetrics[] FewShot(MLContext ml, ReversibleLmTransformer model, string folder)
    {
        // <snippet>
        var subjects = new List<ZeroShotMetrics>();
        foreach (ZeroShotTask subject in ZeroShotTasks.InGroup("mmlu"))
        {
            ZeroShotTask task = subject.FewShot(5, ml.Reversible().LoadZeroShot(subject, Path.Combine(folder, "mmlu", "dev")));
            IDataView test = ml.Reversible().LoadZeroShot(subject, Path.Combine(folder, "mmlu", "test"));
            subjects.Add(ml.Reversible().ZeroShot(model, task).Fit(test).Evaluate(test));
        }
        Console.Write(ZeroShotMetrics.ToTable([ZeroShotMetrics.Combine("mmlu", subjects), .. subjects]));
        // </snippet>
        return [.. subjects];
    }

    public static ZeroShotMetrics Own(MLContext ml, ReversibleLmTransformer model, Riddle[] riddles, string folder)
    {
        // <snippet>
        var task = new ZeroShotTask(
            "riddles", ZeroShotKind.MultipleChoice,
            [ZeroShotColumn.Text("Question"), ZeroShotColumn.Texts("Answers"), ZeroShotColumn.Integer("Right")],
            row => ZeroShotItem.MultipleChoice($"Q: {row.Text("Question")}\nA:", row.Texts("Answers"), row.Integer("Right")));
        IDataView data = ml.Data.LoadFromEnumerable(riddles);
        ZeroShotMetrics metrics = ml.Reversible().ZeroShot(model, task, new ZeroShotEvaluator.Options
        {
            ItemLogPath = Path.Combine(folder, "riddles.jsonl"),
            Progress = new Progress<ZeroShotProgress>(p => Console.Error.WriteLine($"{p.Items} of {p.ItemCount}")),
        }).Fit(data).Evaluate(data);
        // </snippet>
        return metrics;
    }

    public static ZeroShotMetrics Pipeline(MLContext ml, ReversibleLmTrainer.Options options, IDataView data, string folder)
    {
        // <snippet>
        var pipeline = ml.Reversible().LanguageModel(options).Append(ml.Reversible().ZeroShot(ZeroShotTasks.Piqa));
        using TransformerChain<ZeroShotTransformer> trained = pipeline.Fit(data);     // data: a column of text, and PIQA's
        ZeroShotMetrics metrics = trained.LastTransformer.Evaluate(data);
        ml.Reversible().Save(trained, data.Schema, Path.Combine(folder, "evaluated.zip"));
        // </snippet>
        return metrics;
    }
}
