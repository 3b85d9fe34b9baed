using System.CommandLine;
using System.Text.Json;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Training;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Benchmarks;

/// <summary>Runs training steps and measures the peak memory of this process, which must run nothing else.</summary>
internal static class MemoryOfAStep
{
    /// <summary>The measurements of one process, in bytes.</summary>
    /// <param name="Layers">Number of blocks.</param>
    /// <param name="BackwardMode">The backward mode.</param>
    /// <param name="Peak">Peak resident memory of the process.</param>
    /// <param name="Fixed">Parameters, their gradients and the optimizer's two moments: 16 bytes per parameter.</param>
    internal sealed record Result(int Layers, string BackwardMode, long Peak, long Fixed);

    public static System.CommandLine.Command Command()
    {
        var layers = new Option<int>("--layers") { DefaultValueFactory = _ => 4 };
        var backwardMode = new Option<BackwardMode>("--backward-mode") { DefaultValueFactory = _ => BackwardMode.Reversible };
        var scheme = new Option<string>("--scheme") { DefaultValueFactory = _ => "midpoint" };
        var arithmetic = new Option<Arithmetic>("--arithmetic");
        var command = new System.CommandLine.Command("memory-of-a-step", "Measures peak resident memory of training steps, as JSON.")
        {
            layers, backwardMode, scheme, arithmetic
        };
        command.SetAction(p => Console.WriteLine(JsonSerializer.Serialize(
            Measure(p.GetValue(layers), p.GetValue(backwardMode), Scheme.Parse(p.GetValue(scheme)!), p.GetValue(arithmetic)))));
        return command;
    }

    private static Result Measure(int layers, BackwardMode backwardMode, Scheme scheme, Arithmetic arithmetic)
    {
        const int width = 128, context = 256, batch = 8;
        var configuration = new GptConfiguration
        {
            VocabularySize = 256,
            ContextLength = context,
            LayerCount = layers,
            HeadCount = 4,
            Width = width,
        };
        using LanguageNetwork model = configuration.Build(scheme, backwardMode, arithmetic, Precision.Float32, CPU, seed: 1);
        using var optimizer = LanguageTask.Optimizer(model, new(0.9, 0.99, 1e-8, 0.1), OptimizerPlacement.AfterBackward);
        for (int step = 0; step < 3; step++)
        {
            using var scope = NewDisposeScope();
            optimizer.ZeroGradients();
            Tensor ids = randint(0, 256, [batch, context]), targets = randint(0, 256, [batch * context]);
            LanguageModelLoss.Differentiate(model, ids, targets, new(1.0 / (batch * context)));
            optimizer.Step(1e-3);
        }
        using var process = System.Diagnostics.Process.GetCurrentProcess();
        return new(layers, backwardMode.ToString(), process.PeakWorkingSet64, 16 * configuration.ParameterCount);
    }
}
