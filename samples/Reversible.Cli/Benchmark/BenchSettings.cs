using System.CommandLine;
using Microsoft.ML.Reversible.Cli.Options;
using Microsoft.ML.Reversible.Training;

namespace Microsoft.ML.Reversible.Cli.Benchmark;

/// <summary>Selects the configurations to measure: all combinations of options with several values. The default is GPT-2 small.</summary>
internal sealed class BenchSettings
{
    public ModelFamily Family { get; set; } = ModelFamily.Gpt2;

    public IReadOnlyList<int> LayerCount { get; set; } = [12];

    public int Width { get; set; } = 768;

    public int HeadCount { get; set; } = 12;

    public int? KeyValueHeadCount { get; set; }

    public int? MlpWidth { get; set; }

    public int ContextLength { get; set; } = 1024;

    public int VocabularySize { get; set; } = 50304;

    public IReadOnlyList<int> BatchSize { get; set; } = [8];

    public IReadOnlyList<Scheme> Scheme { get; set; } = [Reversible.Scheme.Midpoint];

    /// <summary>Empty uses the default of each scheme.</summary>
    public IReadOnlyList<BackwardMode> BackwardMode { get; set; } = [];

    public IReadOnlyList<int> KeptLayerCount { get; set; } = [0];

    /// <summary>Empty uses the default of each scheme.</summary>
    public IReadOnlyList<Arithmetic> Arithmetic { get; set; } = [];

    public IReadOnlyList<Precision> Precision { get; set; } = [Reversible.Precision.Float32];

    public IReadOnlyList<OptimizerPlacement> OptimizerPlacement { get; set; } = [Reversible.OptimizerPlacement.AfterBackward];

    public bool Deterministic { get; set; }

    public int? LoraRank { get; set; }

    public IReadOnlyList<Precision> BasePrecision { get; set; } = [Reversible.Precision.BFloat16];

    public string Device { get; set; } = "cpu";

    public int Steps { get; set; } = 3;

    public bool Search { get; set; }

    public int SearchSteps { get; set; } = 1;

    public int? MaxBatch { get; set; }

    public bool InProcess { get; set; }

    /// <summary>The options.</summary>
    public static SettingTable<BenchSettings> Table() => new SettingTable<BenchSettings>()
        .Group("Model")
        .Add(o => o.Family, "The architecture of the transformer.")
        .AddSeveral(o => o.LayerCount, "Number of blocks, at least 1.")
        .Add(o => o.Width, "Width of the hidden states, at least 1.")
        .Add(o => o.HeadCount, "Number of attention heads, at least 1; must divide the width.")
        .Add(o => o.KeyValueHeadCount,
            $"Number of key/value heads in {ModelFamilyRow.With(nameof(ModelShape.KeyValueHeadCount))}; "
            + "must divide the number of heads.",
            byDefault: "as many as heads")
        .Add(o => o.MlpWidth, "Width of the hidden layer of a block's MLP, at least 1.",
            byDefault: "4 widths, in families other than GPT-2 8/3 of the width rounded up to a multiple of 32")
        .Add(o => o.ContextLength, "Tokens in a window, at least 1.")
        .Add(o => o.VocabularySize, "Number of token ids, at least 1.")
        .Group("Training step")
        .AddSeveral(o => o.BatchSize, "Windows in a batch, at least 1; with --search the first batch to try.")
        .AddSeveral(o => o.Scheme, "The recurrence over the layers, as in 'train'.")
        .AddSeveral(o => o.BackwardMode,
            "The backward mode: stored keeps all activations, checkpointed recomputes blocks, reversible also recomputes hidden states.",
            byDefault: "reversible if the scheme is, else stored")
        .AddSeveral(o => o.KeptLayerCount, "Number of last layers that store their activations in the reversible mode, at least 0.")
        .AddSeveral(o => o.Arithmetic, "The arithmetic of the hidden states.",
            byDefault: "exact for bdia and iterated-inverse, float for the others")
        .AddSeveral(o => o.Precision, "The number type in which the blocks compute.")
        .AddSeveral(o => o.OptimizerPlacement, "When AdamW steps: after the backward pass, or layer by layer inside it.")
        .Add(o => o.Deterministic, "Whether a step repeats to the bit on a GPU too, with slower kernels for attention.")
        .Add(o => o.LoraRank, "The rank of LoRA adapters on all matrices of the blocks, at least 1; the other weights are frozen.",
            byDefault: "all weights are trained")
        .AddSeveral(o => o.BasePrecision, "The number type of the frozen weights under adapters.")
        .Group("Measurement")
        .Add(o => o.Device, "The device: cpu, cuda, or cuda:1 for the second GPU and so on.", "cpu|cuda|cuda:N")
        .Add(o => o.Steps, "Number of timed steps, at least 1, after one step that is not timed.")
        .Add(o => o.Search,
            "Searches for the largest batch: doubles it until memory runs out, then bisects to an eighth; times the fastest one again.")
        .Add(o => o.SearchSteps, "Number of timed steps for each batch of a search, at least 1.")
        .Add(o => o.MaxBatch, "The largest batch of a search, at least 1.", byDefault: "limited by memory only")
        .Add(o => o.InProcess,
            "Measures in this process instead of a child process, for use with a profiler; only one configuration. Running out of "
            + "memory can then end the process without a message.");

    /// <summary>Every combination, in the order of the options' values.</summary>
    public IEnumerable<BenchConfiguration> Configurations() =>
        from layers in LayerCount
        from batch in BatchSize
        from scheme in Scheme
        from arithmetic in Arithmetic is [] ? [scheme.DefaultArithmetic] : Arithmetic
        from backwardMode in BackwardMode is [] ? [scheme.DefaultBackwardMode(arithmetic)] : BackwardMode
        from kept in KeptLayerCount
        from precision in Precision
        from placement in OptimizerPlacement
        from frozen in LoraRank is null ? [default] : BasePrecision
        select new BenchConfiguration
        {
            Model = Shape(layers),
            BatchSize = batch,
            Scheme = scheme,
            BackwardMode = backwardMode,
            KeptLayerCount = kept,
            Arithmetic = arithmetic,
            Precision = precision,
            OptimizerPlacement = placement,
            Deterministic = Deterministic,
            LoraRank = LoraRank,
            BasePrecision = frozen,
            Device = Device,
            Steps = Steps,
        };

    /// <param name="table">The options.</param>
    /// <param name="parsed">The parsed command line.</param>
    /// <exception cref="UsageException">An option is out of its range, has no effect, or conflicts with another.</exception>
    /// <exception cref="ArgumentException">The model's shape or the device's name is wrong.</exception>
    public void Check(SettingTable<BenchSettings> table, ParseResult parsed)
    {
        table.RefuseTyped(parsed, Unused());
        foreach (int layers in LayerCount) Shape(layers).Check();
        foreach (int batch in BatchSize) AtLeastOne("--batch-size", batch);
        if (KeptLayerCount.Any(kept => kept < 0)) throw new UsageException("--kept-layer-count must be at least 0.");
        if (LoraRank is { } rank) AtLeastOne("--lora-rank", rank);
        AtLeastOne("--steps", Steps);
        AtLeastOne("--search-steps", SearchSteps);
        if (MaxBatch is { } most) AtLeastOne("--max-batch", most);
        if (MaxBatch < BatchSize.Max()) throw new UsageException($"--max-batch must be at least --batch-size, which is {BatchSize.Max()}.");
        if (Search && BatchSize.Count > 1) throw new UsageException("--batch-size must be one number with --search, which starts from it.");
        if (InProcess && (Search || Configurations().Count() > 1))
            throw new UsageException("--in-process measures one configuration and cannot be combined with --search.");
    }

    private IEnumerable<UnusedOption> Unused()
    {
        foreach (UnusedOption option in ReversibleLmTrainer.Options.UnusedOfFamily(Family)) yield return option;
        if (!Devices.IsGpu(Device)) yield return TrainingOptions.DeterministicOnCpu;
        if (LoraRank is null) yield return new(nameof(BasePrecision), "without --lora-rank", "set --lora-rank");
        if (!Search)
        {
            foreach (string option in new[] { nameof(SearchSteps), nameof(MaxBatch) })
                yield return new(option, "without --search", "set --search");
        }
        else if (Steps <= SearchSteps)
            yield return new(nameof(Steps), "if a search times each batch for as many steps", "use more than --search-steps");
    }

    private static void AtLeastOne(string option, int value)
    {
        if (value < 1) throw new UsageException($"{option} must be at least 1, not {value}.");
    }

    private LanguageModelConfiguration Shape(int layers) => ModelFamilyRow.Of(Family).Make(
        new(VocabularySize, ContextLength, layers, HeadCount, Width)
        {
            KeyValueHeadCount = KeyValueHeadCount,
            MlpWidth = MlpWidth,
            Activation = Activation.GeluTanh,
        });
}
