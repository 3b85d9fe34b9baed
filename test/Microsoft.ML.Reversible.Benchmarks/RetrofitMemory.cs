using System.CommandLine;
using System.Text.Json;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Benchmarks;

/// <summary>
/// Measures memory and time of a fine-tuning step of a Llama and its retrofits by depth, each in a child process.
/// </summary>
internal static class RetrofitMemory
{
    private const int Steps = 6;

    private static readonly LlamaConfiguration _stories = new()
    {
        VocabularySize = 512, ContextLength = 512, LayerCount = 5, HeadCount = 8, KeyValueHeadCount = 4, Width = 64, MlpWidth = 172,
    };

    private static readonly LlamaConfiguration _tinyLlama = new()
    {
        VocabularySize = 32000, ContextLength = 2048, LayerCount = 22, HeadCount = 32, KeyValueHeadCount = 4, Width = 2048,
        MlpWidth = 5632, TiedHead = false,
    };

    /// <summary>The variants: a scheme and the backward mode for fine-tuning.</summary>
    private static readonly (string Name, Scheme Scheme, BackwardMode BackwardMode)[] _variants =
    [
        ("teacher, stored", Scheme.Residual, BackwardMode.Stored),
        ("teacher, checkpointed", Scheme.Residual, BackwardMode.Checkpointed),
        ("blend 1/16", Bdia.Blend(16), BackwardMode.Reversible),
        ("blend 1/2", Bdia.Blend(2), BackwardMode.Reversible),
        ("iterated inverse a = 1/2", Scheme.IteratedInverse, BackwardMode.Reversible),
        ("iterated inverse a = 1", new IteratedInverse { A = 1 }, BackwardMode.Reversible),
        ("midpoint", Scheme.Midpoint, BackwardMode.Reversible),
    ];

    /// <summary>The measurements of one process.</summary>
    /// <param name="Peak">Peak memory in bytes: the driver's figure on a GPU, else the process's resident set.</param>
    /// <param name="Fixed">Parameters, their gradients and the optimizer's two moments: 16 bytes per parameter.</param>
    /// <param name="Seconds">Time of a step in seconds, without the first two steps.</param>
    internal sealed record Result(long Peak, long Fixed, double Seconds);

    public static IEnumerable<System.CommandLine.Command> Commands()
    {
        var device = new Option<string>("--device") { DefaultValueFactory = _ => "cpu" };
        var precision = new Option<Precision>("--precision");
        var batch = new Option<int>("--batch") { DefaultValueFactory = _ => 8 };
        var context = new Option<int>("--context") { DefaultValueFactory = _ => 512 };
        var depths = new Option<int[]>("--depths") { DefaultValueFactory = _ => [4, 8, 22], AllowMultipleArgumentsPerToken = true };
        var table = new System.CommandLine.Command(
            "retrofit-memory", "Measures the memory of fine-tuning a teacher and its retrofits by depth, as a Markdown table.")
        {
            device, precision, batch, context, depths,
        };
        table.SetAction(p =>
        {
            Console.WriteLine(
                "| model | layers | run as | peak, GiB | beyond 16 bytes per parameter, GiB | s per step |\n" +
                "| --- | --- | --- | --- | --- | --- |");
            foreach (int layers in (int[])[0, .. p.GetValue(depths)!])
                for (int variant = 0; variant < _variants.Length; variant++)
                {
                    string name = layers == 0 ? $"stories260k | {_stories.LayerCount}" : $"TinyLlama's shape | {layers}";
                    Console.Write($"| {name} | {_variants[variant].Name} | ");
                    try
                    {
                        var r = ChildProcess.Run<Result>(
                            "retrofit-step", $"{layers}", $"{variant}", "--device", p.GetValue(device)!, "--precision",
                            $"{p.GetValue(precision)}", "--batch", $"{p.GetValue(batch)}", "--context", $"{p.GetValue(context)}");
                        Console.WriteLine($"{GiB(r.Peak)} | {GiB(r.Peak - r.Fixed)} | {r.Seconds:F3} |");
                    }
                    catch (InvalidOperationException)
                    {
                        Console.WriteLine("out of memory | | |");
                    }
                }
        });
        var layers = new Argument<int>("layers") { Description = "0 for the shape of stories260k." };
        var variant = new Argument<int>("variant");
        var step = new System.CommandLine.Command(
            "retrofit-step", "Measures one row of the table, with JSON output.") { layers, variant, device, precision, batch, context };
        step.SetAction(p =>
        {
            LlamaConfiguration shape = p.GetValue(layers) == 0 ? _stories : _tinyLlama with { LayerCount = p.GetValue(layers) };
            (_, Scheme scheme, BackwardMode backwardMode) = _variants[p.GetValue(variant)];
            Console.WriteLine(JsonSerializer.Serialize(Measure(
                shape, scheme, backwardMode, p.GetValue(device)!, p.GetValue(precision), p.GetValue(batch), p.GetValue(context))));
        });
        return [table, step];

        static string GiB(long bytes) => $"{bytes / (double)(1 << 30):F2}";
    }

    private static Result Measure(
        LlamaConfiguration shape, Scheme scheme, BackwardMode backwardMode, string name, Precision precision, int batch, int context)
    {
        using var memory = new DeviceMemory(name);
        Device device = torch.device(name);
        using LanguageNetwork model = shape.Build(scheme, backwardMode, scheme.DefaultArithmetic, precision, device, seed: 1);
        using var optimizer = LanguageTask.Optimizer(model, new(0.9, 0.99, 1e-8, 0.1), OptimizerPlacement.AfterBackward);
        context = Math.Min(context, shape.ContextLength);
        double seconds = 0;
        for (int i = 0; i < Steps; i++)
        {
            using var scope = NewDisposeScope();
            var watch = System.Diagnostics.Stopwatch.StartNew();
            optimizer.ZeroGradients();
            Tensor ids = randint(0, shape.VocabularySize, [batch, context], device: device);
            Tensor targets = randint(0, shape.VocabularySize, [batch * context], device: device);
            LanguageModelLoss.Differentiate(model, ids, targets, new(1.0 / (batch * context)));
            _ = optimizer.GradNorm();
            optimizer.Step(1e-4);
            _ = model.HeadWeight.sum().cpu();
            if (i >= 2) seconds += watch.Elapsed.TotalSeconds / (Steps - 2);
        }
        // The driver is queried five times per second.
        if (memory.Peak is not null) Thread.Sleep(1000);
        using var process = System.Diagnostics.Process.GetCurrentProcess();
        return new(memory.Peak ?? process.PeakWorkingSet64, 16 * shape.ParameterCount, seconds);
    }
}
