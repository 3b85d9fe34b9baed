using System.CommandLine;
using Microsoft.ML.Reversible.Cli.Benchmark;
using Microsoft.ML.Reversible.Cli.Options;

namespace Microsoft.ML.Reversible.Cli.Verbs;

/// <summary>Measures training steps, each configuration in its own process.</summary>
internal sealed class BenchVerb : Verb
{
    private readonly SettingTable<BenchSettings> _settings;
    private readonly Option<bool> _json;

    public BenchVerb(Terminal terminal) : this(terminal, BenchSettings.Table(), JsonOption(
        "program, mode, family, layers, width, heads, context, batch, precision, chunk_loss, tokens_per_s, samples_per_s, peak_gib, "
        + "loss, scheme, backward_mode, kept_layers, arithmetic, optimizer_placement, deterministic, device, libtorch, step_s, base_gib "
        + "and fixed_gib, or out_of_memory, conflict or error, and largest_batch, best_batch, "
        + "best_tokens_per_s and limit at the end of a search"))
    {
    }

    private BenchVerb(Terminal terminal, SettingTable<BenchSettings> settings, Option<bool> json)
        : base(
            terminal, "bench",
            "Measures training steps: tokens per second and peak memory of a transformer with random weights and tokens. Each "
            + "configuration runs in its own process, so one that runs out of memory is a row like the others. The values of "
            + "options that take several are combined.",
            "[options]", [.. settings.Groups, new OptionGroup("Output", [json])]) =>
        (_settings, _json) = (settings, json);

    public override IReadOnlyList<(string What, string Command)> Examples =>
    [
        ("A small model on the CPU, reversible compared with stored:",
            "bench --layer-count 4 8 16 --width 128 --head-count 4 --context-length 256 --vocabulary-size 4096 --scheme midpoint residual"),
        ("GPT-2 small on a GPU, in float and in exact arithmetic:",
            "bench --device cuda --precision bfloat16 --arithmetic float exact --batch-size 64 --steps 5"),
        ("A Llama of a billion parameters:",
            "bench --family llama --layer-count 16 --width 2048 --head-count 32 --key-value-head-count 8 --mlp-width 8192 "
            + "--context-length 4096 --vocabulary-size 50257 --batch-size 16 --device cuda --precision bfloat16"),
        ("The largest batch that fits on a GPU, as JSON lines:",
            "bench --device cuda --precision bfloat16 --layer-count 96 --width 512 --head-count 8 --batch-size 64 --search --json"),
    ];

    public override int Run(ParseResult parsed, CancellationToken cancellationToken)
    {
        BenchSettings settings = _settings.Read(parsed);
        settings.Check(_settings, parsed);
        MLContext ml = Context(parsed);
        if (StepMeasurement.Resolve(settings.Device, ml).type == TorchSharp.DeviceType.CPU)
            (settings.Device, settings.Deterministic) = ("cpu", false);
        var screen = new BenchScreen(Terminal, parsed.GetValue(_json));
        try
        {
            foreach (BenchConfiguration configuration in settings.Configurations())
            {
                if (settings.InProcess) screen.Add(StepMeasurement.Run(configuration, ml, cancellationToken));
                else if (settings.Search) Search(settings, configuration, screen, cancellationToken);
                else Measure(configuration, screen, cancellationToken);
            }
        }
        finally
        {
            // What was measured before Ctrl+C is shown too.
            screen.ShowTable();
        }
        return Code(screen.Rows);
    }

    private static BenchRow Measure(BenchConfiguration configuration, BenchScreen screen, CancellationToken cancellationToken)
    {
        BenchRow row;
        if (configuration.Conflict is { } conflict) row = configuration.Row() with { Conflict = conflict };
        else
        {
            screen.Announce(configuration);
            row = MeasuringProcess.Run(configuration, cancellationToken);
        }
        screen.Add(row);
        return row;
    }

    private static void Search(
        BenchSettings settings, BenchConfiguration configuration, BenchScreen screen, CancellationToken cancellationToken)
    {
        if (configuration.Conflict is not null)
        {
            Measure(configuration, screen, cancellationToken);
            return;
        }
        BatchSearch.Result found = new BatchSearch(configuration.BatchSize, settings.MaxBatch).Run(
            batch => Measure(configuration with { BatchSize = batch, Steps = settings.SearchSteps }, screen, cancellationToken));
        // The few steps of a search find the fastest batch, but do not measure its speed accurately.
        BenchRow? best = found.Best is { Batch: { } batch } && settings.Steps > settings.SearchSteps
            ? Measure(configuration with { BatchSize = batch }, screen, cancellationToken)
            : found.Best;
        screen.Add(configuration.Row() with
        {
            Batch = null,
            LargestBatch = found.Largest,
            BestBatch = best?.Batch,
            BestTokensPerS = best?.TokensPerS,
            Limit = found.Limit,
        });
    }

    /// <summary>Returns 0 if anything was measured; running out of memory is also a result.</summary>
    private static int Code(IReadOnlyList<BenchRow> rows) =>
        rows.Any(row => row.Error is not null) ? ExitCode.Failed
        : rows.All(row => row.Conflict is not null) ? throw new UsageException(rows[0].Conflict!)
        : ExitCode.Done;
}
