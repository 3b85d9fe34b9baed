// Evaluates a model on zero-shot tasks, and shows a question that it answers wrongly.
//
//   dotnet run -c Release --project samples/ZeroShot -- MODEL piqa=valid.jsonl arc_easy=ARC-Easy-Test.jsonl
//
// MODEL is a folder in Hugging Face's layout; tokenizer=PATH names its tokenizer if the folder has none. The files are as published by the
// benchmarks' authors.
using Microsoft.ML;
using Microsoft.ML.Reversible;
using ZeroShot;

string[][] named = [.. args.Skip(1).Select(argument => argument.Split('=', 2))];
string[][] tasks = Array.FindAll(named, pair => pair[0] != "tokenizer");
if (tasks.Length == 0 || named.Any(pair => pair.Length < 2))
{
    Console.Error.WriteLine("Usage: ZeroShot MODEL [tokenizer=PATH] NAME=FILE...");
    return 1;
}
try
{
    var ml = new MLContext(seed: 1);
    string? tokenizer = named.FirstOrDefault(pair => pair[0] == "tokenizer")?[1];
    using ReversibleLmTransformer model = ml.Reversible().LoadPretrained(args[0], tokenizerPath: tokenizer);

    List<ZeroShotMetrics> results = [];
    foreach (string[] pair in tasks)
    {
        // 1. A task, and its questions as an ordinary IDataView.
        ZeroShotTask task = ZeroShotTasks.Named(pair[0]);
        IDataView questions = ml.Reversible().LoadZeroShot(task, pair[1]);

        // 2. An estimator, a transformer, and the metrics that papers report.
        ZeroShotTransformer evaluator = ml.Reversible()
            .ZeroShot(model, task, new ZeroShotEvaluator.Options { Progress = new Screen.Counter() })
            .Fit(questions);
        results.Add(evaluator.Evaluate(questions));

        // 3. The same results as columns, for each row.
        if (task.Kind == ZeroShotKind.MultipleChoice) Screen.ShowMistake(ml, task, evaluator.Transform(ml.Data.TakeRows(questions, 50)));
    }
    Console.Write(ZeroShotMetrics.ToTable(results));
    return 0;
}
catch (Exception e)
    when (e is ArgumentException or InvalidOperationException or InvalidDataException or IOException or DllNotFoundException)
{
    Console.Error.WriteLine(e.Message.ReplaceLineEndings(" "));
    return 1;
}
