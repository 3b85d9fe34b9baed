using Microsoft.ML.Reversible.Cli.Options;

namespace Microsoft.ML.Reversible.Cli.Benchmark;

/// <summary>A model and its training options, measured by one process.</summary>
internal sealed record BenchConfiguration
{
    public required LanguageModelConfiguration Model { get; init; }

    public required int BatchSize { get; init; }

    public required Scheme Scheme { get; init; }

    public required BackwardMode BackwardMode { get; init; }

    public required int KeptLayerCount { get; init; }

    public required Arithmetic Arithmetic { get; init; }

    public required Precision Precision { get; init; }

    public required OptimizerPlacement OptimizerPlacement { get; init; }

    public required bool Deterministic { get; init; }

    public required string Device { get; init; }

    public required int Steps { get; init; }

    /// <summary>The rank of LoRA adapters on all matrices of the blocks; null trains all weights.</summary>
    public int? LoraRank { get; init; }

    /// <summary>The number type of the frozen weights under adapters.</summary>
    public Precision BasePrecision { get; init; }

    /// <summary>Why scheme, backward mode and arithmetic conflict, in one line; null if they do not.</summary>
    public string? Conflict
    {
        get
        {
            try
            {
                LayerStack.Check(Scheme, BackwardMode, Arithmetic);
                Scheme.CheckParameters(Arithmetic);
                Scheme.CheckDepth(Model.LayerCount);
                return KeptLayerCount > 0 && BackwardMode != BackwardMode.Reversible
                    ? ExitCode.Describe(TrainingOptions.UnusedKeptLayers(BackwardMode, Scheme.IsReversible).Refusal())
                    : null;
            }
            catch (ArgumentException e)
            {
                return ExitCode.Describe(e);
            }
        }
    }

    /// <summary>The command line that measures the configuration in a child process.</summary>
    public string[] Arguments =>
    [
        "bench", "--in-process", "--json", "--family", Shown(Model.Family),
        "--layer-count", Shown(Model.LayerCount), "--width", Shown(Model.Width), "--head-count", Shown(Model.HeadCount),
        "--context-length", Shown(Model.ContextLength), "--vocabulary-size", Shown(Model.VocabularySize),
        "--batch-size", Shown(BatchSize), "--scheme", Shown(Scheme), "--backward-mode", Shown(BackwardMode),
        "--arithmetic", Shown(Arithmetic), "--kept-layer-count", Shown(KeptLayerCount), "--precision", Shown(Precision),
        "--optimizer-placement", Shown(OptimizerPlacement), "--device", Device, "--steps", Shown(Steps),
        .. Model.MlpWidth is { } mlp ? ["--mlp-width", Shown(mlp)] : Array.Empty<string>(),
        .. Model.GivenKeyValueHeadCount is { } heads ? ["--key-value-head-count", Shown(heads)] : Array.Empty<string>(),
        .. Deterministic ? ["--deterministic"] : Array.Empty<string>(),
        .. LoraRank is { } rank
            ? ["--lora-rank", Shown(rank), "--base-precision", Shown(BasePrecision)]
            : Array.Empty<string>(),
    ];

    /// <summary>The row without measurements.</summary>
    public BenchRow Row() => new()
    {
        Mode = BackwardMode switch { BackwardMode.Stored => "store", BackwardMode.Checkpointed => "ckpt", _ => "rev" },
        Family = Shown(Model.Family),
        Layers = Model.LayerCount,
        Width = Model.Width,
        Heads = Model.HeadCount,
        Context = Model.ContextLength,
        Batch = BatchSize,
        Precision = Shown(Precision),
        Scheme = Shown(Scheme),
        BackwardMode = Shown(BackwardMode),
        KeptLayers = KeptLayerCount,
        Arithmetic = Shown(Arithmetic),
        OptimizerPlacement = Shown(OptimizerPlacement),
        Deterministic = Deterministic ? true : null,
        LoraRank = LoraRank,
        BasePrecision = LoraRank is null ? null : Shown(BasePrecision),
        Device = Device,
    };

    /// <summary>A short description.</summary>
    public override string ToString() =>
        $"{Shown(Model.Family)}, {Scheme}, {Shown(BackwardMode)}, {Shown(Arithmetic)}, {Shown(Precision)}, {Model.LayerCount} layers" +
        $"{(KeptLayerCount > 0 ? $" ({KeptLayerCount} kept)" : "")}, batch {BatchSize}{(Deterministic ? ", deterministic" : "")}" +
        $"{(LoraRank is { } rank ? $", LoRA of rank {rank} on {Shown(BasePrecision)}" : "")}";

    private static string Shown(object value) => OptionValue.Show(value)!;
}
