using System.CommandLine;
using System.Diagnostics;
using Microsoft.ML.Reversible.Language;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Benchmarks;

/// <summary>
/// Measures the time of the linear head with cross-entropy and its gradients, by the number of tokens in a chunk, and compares it with the
/// plain formulas, which compute every step on logits in float32 and have no label smoothing.
/// </summary>
internal static class LossTime
{
    public static System.CommandLine.Command Command()
    {
        var tokens = new Option<int>("--tokens") { DefaultValueFactory = _ => 32768 };
        var width = new Option<int>("--width") { DefaultValueFactory = _ => 768 };
        var vocabulary = new Option<int>("--vocabulary") { DefaultValueFactory = _ => 50304 };
        var chunks = new Option<int[]>("--chunks")
        {
            DefaultValueFactory = _ => [512, 1024, 2048, 4096, 8192, 16384], AllowMultipleArgumentsPerToken = true
        };
        var runs = new Option<int>("--runs") { DefaultValueFactory = _ => 9 };
        var device = new Option<string>("--device") { DefaultValueFactory = _ => "cuda" };
        var precision = new Option<ScalarType>("--precision") { DefaultValueFactory = _ => ScalarType.BFloat16 };
        var smoothing = new Option<double>("--smoothing");
        var command = new System.CommandLine.Command("loss", "Measures the head's loss by the size of its chunks, as a Markdown table.")
        {
            tokens, width, vocabulary, chunks, runs, device, precision, smoothing
        };
        command.SetAction(p => Show(
            p.GetValue(tokens), p.GetValue(width), p.GetValue(vocabulary), p.GetValue(chunks)!, p.GetValue(runs),
            torch.device(p.GetValue(device)!), p.GetValue(precision), p.GetValue(smoothing)));
        return command;
    }

    private static void Show(
        long tokens, long width, long vocabulary, int[] chunks, int runs, Device device, ScalarType compute, double smoothing)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        Tensor hidden = randn([tokens, width], device: device).to(compute), weight = randn([vocabulary, width], device: device).mul_(0.02);
        Tensor targets = randint(0, vocabulary, [tokens], dtype: ScalarType.Int64, device: device), gradWeight = zeros_like(weight);
        double scale = 1.0 / tokens, operations = 6.0 * tokens * vocabulary * width;
        var ways = new List<(string Name, long Chunk, Func<double> Run)>();
        long usual = LogitChunks.Of(tokens, vocabulary, LogitChunks.Elements(device, compute, vocabulary)).First().Length;
        foreach (long chunk in chunks.Select(chunk => Math.Min(chunk, tokens)).Append(usual).Distinct().Order())
        {
            ways.Add((chunk == usual ? "chunked, default size" : "chunked", chunk, () => ChunkedCrossEntropy.Differentiate(
                hidden, weight, targets, gradWeight, scale, smoothing, compute, chunk * vocabulary).LossSum.ToDouble()));
        }
        long small = Math.Min((16 << 20) / vocabulary, tokens);
        ways.Add(("plain", small, () => Plain(hidden, weight, targets, gradWeight, scale, compute, small)));

        Console.WriteLine(
            $"{tokens} tokens, width {width}, vocabulary {vocabulary}, {compute}, smoothing {smoothing}, {device}, " +
            $"{get_num_threads()} threads");
        Console.WriteLine("| method | tokens per chunk | median ms | fastest | TFLOP/s | GB moved | GB/s | nats per token |");
        Console.WriteLine("| --- | --- | --- | --- | --- | --- | --- | --- |");
        double[][] times = [.. ways.Select(_ => new double[runs])];
        var losses = new double[ways.Count];
        for (int run = -1; run < runs; run++)
        {
            for (int i = 0; i < ways.Count; i++)
            {
                using var one = NewDisposeScope();
                long start = Stopwatch.GetTimestamp();
                losses[i] = ways[i].Run() / tokens;
                if (run >= 0) times[i][run] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            }
        }
        for (int i = 0; i < ways.Count; i++)
        {
            double median = times[i].Order().ElementAt(runs / 2);
            double bytes = Bytes(tokens, width, vocabulary, ways[i].Chunk, compute, ways[i].Name == "plain");
            Console.WriteLine(
                $"| {ways[i].Name} | {ways[i].Chunk} | {median:F2} | {times[i].Min():F2} | {operations / median / 1e9:F2} | " +
                $"{bytes / 1e9:F1} | {bytes / median / 1e6:F0} | {losses[i]:F5} |");
        }
    }

    /// <summary>
    /// Logits: written by a product, read and written by the softmax, read by two products. The plain method also converts them to float32
    /// and back, with six passes for logsumexp and two for each of two in-place steps. Head: dW is written, and added to the gradient in
    /// float32.
    /// </summary>
    private static double Bytes(long tokens, long width, long vocabulary, long chunk, ScalarType compute, bool plain)
    {
        double size = compute == ScalarType.BFloat16 ? 2 : 4;
        double converted = size == 2 ? size + 4 : 0, exponential = size == 2 ? 0 : 2 * size;
        double logit = plain ? size + converted + 6 * 4 + 4 * 4 + converted + 2 * size : 5 * size + exponential;
        double head = size == 2 ? size + size + 8 : 2 * size;
        return (double)tokens * vocabulary * logit + Math.Ceiling((double)tokens / chunk) * vocabulary * width * head;
    }

    private static double Plain(
        Tensor hidden, Tensor weight, Tensor targets, Tensor gradWeight, double scale, ScalarType compute, long step)
    {
        using var scope = NewDisposeScope();
        Tensor w = weight.to(compute), gradHidden = empty_like(hidden), sum = zeros(1, dtype: ScalarType.Float64, device: hidden.device);
        for (long start = 0; start < hidden.shape[0]; start += step)
        {
            using var chunk = NewDisposeScope();
            long length = Math.Min(step, hidden.shape[0] - start);
            Tensor h = hidden.narrow(0, start, length), target = targets.narrow(0, start, length).unsqueeze(1);
            Tensor logits = h.mm(w.t()).to(ScalarType.Float32), logSum = logits.logsumexp(1, keepdim: true);
            sum.add_((logSum - logits.gather(1, target)).sum(ScalarType.Float64));
            logits.sub_(logSum).exp_().scatter_add_(1, target, full_like(target, -1, dtype: ScalarType.Float32));
            Tensor gradLogits = logits.to(compute);
            gradHidden.narrow(0, start, length).copy_(gradLogits.mm(w)).mul_(scale);
            if (gradWeight.dtype == compute) gradWeight.addmm_(gradLogits.t(), h, alpha: (float)scale);
            else gradWeight.add_(gradLogits.t().mm(h), scale);
        }
        return sum.ToDouble();
    }
}
