using System.CommandLine;
using System.Diagnostics;
using Microsoft.ML.Reversible.Language;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Benchmarks;

/// <summary>Measures tokens per second of greedy generation with and without the key/value cache, on random weights.</summary>
internal static class TokensPerSecond
{
    private const int Vocabulary = 50257, Prompt = 16;

    public static System.CommandLine.Command Command()
    {
        var device = new Option<string>("--device") { DefaultValueFactory = _ => "cpu" };
        var precision = new Option<Precision>("--precision");
        var scheme = new Option<string>("--scheme") { DefaultValueFactory = _ => "midpoint" };
        var layers = new Option<int>("--layers") { DefaultValueFactory = _ => 12 };
        var width = new Option<int>("--width") { DefaultValueFactory = _ => 256 };
        var tokens = new Option<int>("--tokens") { DefaultValueFactory = _ => 256 };
        var command = new System.CommandLine.Command(
            "generate", "Measures tokens per second of generation, cached and uncached, singly and in batches.")
        {
            device, precision, scheme, layers, width, tokens,
        };
        command.SetAction(p =>
        {
            int count = p.GetValue(tokens), size = p.GetValue(width);
            var shape = new GptConfiguration
            {
                VocabularySize = Vocabulary,
                ContextLength = Prompt + count,
                LayerCount = p.GetValue(layers),
                HeadCount = size / 64,
                Width = size,
            };
            using LanguageNetwork model = shape.Build(
                Scheme.Parse(p.GetValue(scheme)!), BackwardMode.Stored, Arithmetic.Float, p.GetValue(precision),
                torch.device(p.GetValue(device)!), seed: 1);
            Show(model, count);
        });
        return command;
    }

    private static void Show(LanguageNetwork model, int count)
    {
        using var noGraph = no_grad();
        Console.WriteLine("| way | rows | tokens/s |");
        Console.WriteLine("| --- | --- | --- |");
        Cached(model, 1, Math.Min(count, 16));
        foreach (int rows in new[] { 1, 8, 32 }) Console.WriteLine($"| cached | {rows} | {Cached(model, rows, count):F1} |");
        Console.WriteLine($"| uncached | 1 | {Uncached(model, count):F1} |");
    }

    private static double Cached(LanguageNetwork model, int rows, int count)
    {
        int[][] prompts = [.. Enumerable.Range(0, rows).Select(row => Enumerable.Range(row, Prompt).ToArray())];
        var sampler = new TokenSampler(0, 0, 1);
        var watch = Stopwatch.StartNew();
        using var batch = new SequenceBatch(model, prompts);
        int[]? next = null;
        for (int t = 0; t < count; t++)
        {
            using var scope = NewDisposeScope();
            next = Draw(next is null ? batch.Read() : batch.Append(next), sampler);
        }
        return rows * count / watch.Elapsed.TotalSeconds;
    }

    private static double Uncached(LanguageNetwork model, int count)
    {
        List<long> ids = [.. Enumerable.Range(0, Prompt).Select(id => (long)id)];
        var sampler = new TokenSampler(0, 0, 1);
        var watch = Stopwatch.StartNew();
        for (int t = 0; t < count; t++)
        {
            using var scope = NewDisposeScope();
            Tensor state = model.Stack.Evaluate(model.Embed(tensor(ids.ToArray(), [1, ids.Count], device: model.Device)));
            ids.Add(Draw(model.Head(model.FinalNorm(state.narrow(1, ids.Count - 1, 1))).squeeze(1), sampler)[0]);
        }
        return count / watch.Elapsed.TotalSeconds;
    }

    private static int[] Draw(Tensor logits, TokenSampler sampler) =>
        [.. logits.cpu().unbind(0).Select(row => sampler.Draw(row.data<float>().ToArray(), Random.Shared))];
}
