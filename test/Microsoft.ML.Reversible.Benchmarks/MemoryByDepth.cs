using System.CommandLine;
using Spectre.Console;

namespace Microsoft.ML.Reversible.Benchmarks;

/// <summary>Peak memory of a training step against depth, stored beside reversible, each measurement in a process of its own.</summary>
internal static class MemoryByDepth
{
    public static Command Command()
    {
        var layers = new Option<int[]>("--layers") { DefaultValueFactory = _ => [4, 16, 64], AllowMultipleArgumentsPerToken = true };
        var command = new Command("memory", "Peak memory of a training step by depth: width 128, context 256, batch 8, float32.") { layers };
        command.SetAction(p => Show(p.GetValue(layers)!));
        return command;
    }

    /// <summary>Measures one configuration in a child process.</summary>
    internal static MemoryOfAStep.Result Measure(int layers, WayBack wayBack) =>
        ChildProcess.Run<MemoryOfAStep.Result>("memory-of-a-step", "--layers", $"{layers}", "--way-back", $"{wayBack}");

    private static void Show(int[] depths)
    {
        var table = new Table().AddColumns("layers", "stored, MiB", "reversible, MiB", "of these parameters, gradients and optimizer, MiB", "stored / reversible");
        foreach (int layers in depths)
        {
            MemoryOfAStep.Result stored = Measure(layers, WayBack.Stored), reversible = Measure(layers, WayBack.Reversible);
            table.AddRow($"{layers}", MiB(stored.Peak), MiB(reversible.Peak), MiB(reversible.Fixed), $"{(double)stored.Peak / reversible.Peak:F1}");
        }
        AnsiConsole.Write(table.MarkdownBorder());
    }

    private static string MiB(long bytes) => $"{bytes / 1048576.0:F0}";
}
