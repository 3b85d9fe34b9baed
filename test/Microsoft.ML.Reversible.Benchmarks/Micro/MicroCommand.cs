using System.CommandLine;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Exporters;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

namespace Microsoft.ML.Reversible.Benchmarks.Micro;

/// <summary>Runs the microbenchmarks with BenchmarkDotNet.</summary>
internal static class MicroCommand
{
    /// <summary>The microbenchmarks.</summary>
    public static readonly Type[] Types = [typeof(SchemeStep), typeof(ChunkedLoss), typeof(OptimizerStep), typeof(Tokenization)];

    public static System.CommandLine.Command Command()
    {
        var filter = new Option<string[]>("--filter")
        {
            DefaultValueFactory = _ => ["*"], AllowMultipleArgumentsPerToken = true, Description = "What to run, such as *ChunkedLoss*.",
        };
        var device = new Option<string>("--device") { DefaultValueFactory = _ => "cpu" };
        var dry = new Option<bool>("--dry") { Description = "Runs everything once at small sizes, to check that it works." };
        var command = new System.CommandLine.Command(
            "micro", "Times scheme steps, the chunked loss, AdamW and the tokenizer with BenchmarkDotNet.")
        {
            filter, device, dry,
        };
        command.SetAction(p =>
        {
            (MicroBenchmark.DeviceName, MicroBenchmark.IsSmall) = (p.GetValue(device)!, p.GetValue(dry));
            Summary[] summaries =
                [.. BenchmarkSwitcher.FromTypes(Types).Run(["--filter", .. p.GetValue(filter)!], Configuration(p.GetValue(dry)))];
            return summaries.Length > 0 && summaries.All(s => !s.HasCriticalValidationErrors && s.Reports.All(r => r.Success)) ? 0 : 1;
        });
        return command;
    }

    /// <summary>Runs in this process: the projects that BenchmarkDotNet generates would not find the native libraries.</summary>
    private static ManualConfig Configuration(bool dry) => ManualConfig.CreateEmpty()
        .AddJob((dry ? Job.Dry : Job.Default.WithWarmupCount(3).WithIterationCount(15)).WithToolchain(InProcessEmitToolchain.Instance))
        .AddColumnProvider(DefaultColumnProviders.Instance)
        .AddDiagnoser(MemoryDiagnoser.Default)
        .AddLogger(ConsoleLogger.Default)
        .AddExporter(MarkdownExporter.Console)
        .WithArtifactsPath(Path.Combine(Path.GetTempPath(), "reversible-micro"));
}
