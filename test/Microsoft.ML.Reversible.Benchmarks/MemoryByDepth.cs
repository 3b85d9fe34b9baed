using System.CommandLine;

namespace Microsoft.ML.Reversible.Benchmarks;

/// <summary>Measures the peak memory of a training step by depth and backward mode, each in a child process.</summary>
internal static class MemoryByDepth
{
    public static System.CommandLine.Command Command()
    {
        var layers = new Option<int[]>("--layers") { DefaultValueFactory = _ => [4, 8, 16, 32, 64], AllowMultipleArgumentsPerToken = true };
        var scheme = new Option<string>("--scheme") { DefaultValueFactory = _ => "midpoint" };
        var arithmetic = new Option<Arithmetic?>("--arithmetic");
        var command = new System.CommandLine.Command(
            "memory", "Measures peak memory of a training step by depth, as a Markdown table: width 128, context 256, batch 8, float32.")
        {
            layers, scheme, arithmetic
        };
        command.SetAction(p =>
        {
            Scheme s = Scheme.Parse(p.GetValue(scheme)!);
            Show(p.GetValue(layers)!, s, p.GetValue(arithmetic) ?? s.DefaultArithmetic);
        });
        return command;
    }

    /// <summary>Measures one configuration in a child process.</summary>
    internal static MemoryOfAStep.Result Measure(int layers, BackwardMode backwardMode, Scheme scheme, Arithmetic arithmetic) =>
        ChildProcess.Run<MemoryOfAStep.Result>(
            "memory-of-a-step", "--layers", $"{layers}", "--backward-mode", $"{backwardMode}",
            "--scheme", $"{scheme}", "--arithmetic", $"{arithmetic}");

    /// <summary>
    /// Fits a straight line to the memory beyond parameters, gradients and optimizer; returns its slope in MiB per layer.
    /// </summary>
    internal static double Slope(IReadOnlyCollection<MemoryOfAStep.Result> results)
    {
        double meanLayers = results.Average(r => r.Layers), meanNeed = results.Average(Need);
        return results.Sum(r => (r.Layers - meanLayers) * (Need(r) - meanNeed))
            / results.Sum(r => (r.Layers - meanLayers) * (r.Layers - meanLayers));

        static double Need(MemoryOfAStep.Result r) => (r.Peak - r.Fixed) / 1048576.0;
    }

    private static void Show(int[] depths, Scheme scheme, Arithmetic arithmetic)
    {
        Console.WriteLine($"{scheme}, {arithmetic}; MiB");
        Console.WriteLine($"| backward mode | {string.Join(" | ", depths)} | slope beyond parameters, gradients, optimizer |");
        Console.WriteLine($"| --- |{string.Concat(depths.Select(_ => " --- |"))} --- |");
        MemoryOfAStep.Result[] last = [];
        foreach (BackwardMode backwardMode in Enum.GetValues<BackwardMode>())
        {
            last = [.. depths.Select(d => Measure(d, backwardMode, scheme, arithmetic))];
            Console.WriteLine($"| {backwardMode} | {string.Join(" | ", last.Select(r => MiB(r.Peak)))} | {Slope(last):F2} per layer |");
        }
        Console.WriteLine($"| of these parameters, gradients, optimizer | {string.Join(" | ", last.Select(r => MiB(r.Fixed)))} | |");
    }

    private static string MiB(long bytes) => $"{bytes / 1048576.0:F0}";
}
