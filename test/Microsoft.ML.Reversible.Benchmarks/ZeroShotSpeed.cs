using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Microsoft.ML.Reversible.Language;

namespace Microsoft.ML.Reversible.Benchmarks;

/// <summary>Measures items per second of zero-shot tasks: one request at a time, and batched as the library does.</summary>
internal static class ZeroShotSpeed
{
    public static System.CommandLine.Command Command()
    {
        var model = new Argument<DirectoryInfo>("model") { Description = "A folder in Hugging Face's layout." };
        var tasks = new Argument<string[]>("tasks")
        {
            Description = "Tasks as NAME=PATH, with their published files.",
            Arity = ArgumentArity.OneOrMore,
        };
        var tokenizer = new Option<string?>("--tokenizer");
        var device = new Option<string?>("--device");
        var limit = new Option<int>("--limit")
        {
            Description = "Number of items of each task, evenly spaced.", DefaultValueFactory = _ => 100,
        };
        var rounds = new Option<int>("--rounds")
        {
            Description = "Number of timed rounds; the two alternate, and the best round counts.", DefaultValueFactory = _ => 3,
        };
        var command = new System.CommandLine.Command("zero-shot", "Measures items per second, one request at a time and together.")
        {
            model, tasks, tokenizer, device, limit, rounds,
        };
        command.SetAction(p =>
        {
            var ml = new MLContext();
            using ReversibleLmTransformer loaded = ml.Reversible().LoadPretrained(
                p.GetValue(model)!.FullName, device: p.GetValue(device), tokenizerPath: p.GetValue(tokenizer));
            Console.WriteLine("| task | items | requests | tokens | computed | one at a time, items/s | together | times |");
            Console.WriteLine("| --- | --- | --- | --- | --- | --- | --- | --- |");
            foreach (string task in p.GetValue(tasks)!)
                Show(ml, loaded, task.Split('=', 2), p.GetValue(limit), p.GetValue(rounds));
        });
        return command;
    }

    private static void Show(MLContext ml, ReversibleLmTransformer transformer, string[] named, int limit, int rounds)
    {
        ILogLikelihoodSource model = transformer;
        ZeroShotTask task = ZeroShotTasks.Named(named[0]);
        ZeroShotItem[] all = [.. task.Items(ml.Reversible().LoadZeroShot(task, named[1]))];
        int count = Math.Min(limit, all.Length);
        ZeroShotItem[] items = [.. Enumerable.Range(0, count).Select(i => all[i * all.Length / count])];
        ContinuationRequest[] requests = [.. items.SelectMany(Requests)];
        ScoredTokens[] sequences = new ContinuationEncoder(transformer.Model).Encode(requests, CancellationToken.None);
        int padded = new LogLikelihoodScorer(transformer.Model).Batches(sequences).Sum(rows => rows.Length * rows.Max(row => row.Count));

        // The first calls allocate memory and start threads.
        model.Score(requests[..Math.Min(8, requests.Length)]);
        double together = double.PositiveInfinity, apart = double.PositiveInfinity;
        for (int round = 0; round < rounds; round++)
        {
            together = Math.Min(together, Seconds(() => model.Score(requests)));
            apart = Math.Min(apart, Seconds(() =>
            {
                foreach (ContinuationRequest request in requests) model.Score([request]);
            }));
        }
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| {task.Name} | {count} | {requests.Length} | {sequences.Sum(s => s.InputCount)} | {padded} " +
            $"| {count / apart:F1} | {count / together:F1} | {apart / together:F1} |"));
    }

    private static IEnumerable<ContinuationRequest> Requests(ZeroShotItem item) =>
        Enumerable.Range(0, item.ChoiceCount).Select(i => new ContinuationRequest(
            item.Contexts[item.Contexts.Count == 1 ? 0 : i],
            ZeroShotTask.Delimiter + item.Continuations[item.Continuations.Count == 1 ? 0 : i]));

    private static double Seconds(Action action)
    {
        var watch = Stopwatch.StartNew();
        action();
        return watch.Elapsed.TotalSeconds;
    }
}
