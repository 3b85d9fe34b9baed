// Scores a model on zero-shot tasks, and shows what it got wrong.
//
//   dotnet run -c Release --project samples/ZeroShot -- MODEL piqa=valid.jsonl arc_easy=ARC-Easy-Test.jsonl
//
// MODEL is a folder in Hugging Face's layout with its tokenizer; 'MODEL:PATH' names tokenizer files that stand elsewhere. The files are
// those that the benchmarks' authors publish.
using Microsoft.ML;
using Microsoft.ML.Reversible;
using ZeroShot;

if (args is not [var folder, .. { Length: > 0 } tasks] || tasks.Any(task => !task.Contains('=')))
{
    Console.Error.WriteLine("Usage: ZeroShot MODEL[:TOKENIZER] NAME=FILE...");
    return 1;
}
try
{
    var ml = new MLContext(seed: 1);
    string[] parts = folder.Split(':', 2);
    using ReversibleLmTransformer model = ml.Reversible().LoadPretrained(parts[0], tokenizerPath: parts.ElementAtOrDefault(1));

    List<ZeroShotMetrics> results = [];
    foreach (string[] named in tasks.Select(task => task.Split('=', 2)))
    {
        // 1. A task, and its questions as an ordinary IDataView.
        ZeroShotTask task = ZeroShotTasks.Named(named[0]);
        IDataView questions = ml.Reversible().LoadZeroShot(task, named[1]);

        // 2. An estimator, a transformer, and the numbers that papers print.
        ZeroShotTransformer evaluator = ml.Reversible()
            .ZeroShot(model, task, new ZeroShotEvaluator.Options { Progress = new Screen.Counter() })
            .Fit(questions);
        results.Add(evaluator.Evaluate(questions));

        // 3. The same as columns, row by row.
        if (task.Kind == ZeroShotKind.MultipleChoice) Screen.ShowMistake(ml, task, evaluator.Transform(ml.Data.TakeRows(questions, 50)));
    }
    Console.Write(ZeroShotMetrics.ToTable(results));
    return 0;
}
catch (Exception e) when (e is ArgumentException or InvalidOperationException or InvalidDataException or IOException)
{
    Console.Error.WriteLine(e.Message.ReplaceLineEndings(" "));
    return 1;
}
