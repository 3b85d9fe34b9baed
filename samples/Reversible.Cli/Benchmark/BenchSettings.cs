using System.CommandLine;
using Microsoft.ML.Reversible.Cli.Options;
using Microsoft.ML.Reversible.Training;

namespace Microsoft.ML.Reversible.Cli.Benchmark;

/// <summary>What to measure: every combination of the options of several values is a configuration. The default is GPT-2 small.</summary>
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

    /// <summary>Empty for what each scheme takes where none is asked for.</summary>
    public IReadOnlyList<WayBack> WayBack { get; set; } = [];

    public IReadOnlyList<int> KeptLayerCount { get; set; } = [0];

    /// <summary>Empty for what each scheme takes where none is asked for.</summary>
    public IReadOnlyList<Arithmetic> Arithmetic { get; set; } = [];

    public IReadOnlyList<Precision> Precision { get; set; } = [Reversible.Precision.Float32];

    public IReadOnlyList<OptimizerPlacement> OptimizerPlacement { get; set; } = [Reversible.OptimizerPlacement.AfterBackward];

    public bool Deterministic { get; set; }

    public string Device { get; set; } = "cpu";

    public int Steps { get; set; } = 3;

    public bool Search { get; set; }

    public int SearchSteps { get; set; } = 1;

    public int? MaxBatch { get; set; }

    public bool InProcess { get; set; }

    /// <summary>The options.</summary>
    public static SettingTable<BenchSettings> Table() => new SettingTable<BenchSettings>()
        .Group("Model")
        .Add(o => o.Family, "The kind of transformer.")
        .AddSeveral(o => o.LayerCount, "Number of blocks, at least 1.")
        .Add(o => o.Width, "Length of the streams' vectors, at least 1.")
        .Add(o => o.HeadCount, "Number of attention heads, at least 1; it divides the width.")
        .Add(o => o.KeyValueHeadCount, "Heads of keys and values in the Llama family; it divides the number of heads.",
            byDefault: "as many as heads")
        .Add(o => o.MlpWidth, "Length of the hidden vectors in a block's MLP, at least 1.",
            byDefault: "4 widths, in the Llama family 8/3 of the width rounded up to a multiple of 32")
        .Add(o => o.ContextLength, "Tokens that a window holds, at least 1.")
        .Add(o => o.VocabularySize, "Token ids, at least 1.")
        .Group("Training step")
        .AddSeveral(o => o.BatchSize, "Windows in a batch, at least 1; with --search the first one to try.")
        .AddSeveral(o => o.Scheme, "The recurrence over the layers, as in 'train'.")
        .AddSeveral(o => o.WayBack, "How the backward pass comes by its activations: kept, recomputed or rebuilt.",
            byDefault: "reversible where the scheme is, else stored")
        .AddSeveral(o => o.KeptLayerCount, "The last layers that keep their activations though the way back is reversible, at least 0.")
        .AddSeveral(o => o.Arithmetic, "The numbers that the streams between the layers are made of.",
            byDefault: "exact for bdia and estimator, float for the others")
        .AddSeveral(o => o.Precision, "The number type in which the blocks compute.")
        .AddSeveral(o => o.OptimizerPlacement, "Where AdamW steps: after the backward pass, or layer by layer inside it.")
        .Add(o => o.Deterministic, "Gives the same bits every time on a GPU too, by slower kernels for attention.")
        .Group("Measurement")
        .Add(o => o.Device, "Where to compute: cpu, cuda, or cuda:1 for the second GPU and so on.", "cpu|cuda|cuda:N")
        .Add(o => o.Steps, "Timed steps, at least 1, behind one that is not timed.")
        .Add(o => o.Search,
            "Looks for the largest batch: doubles it until memory runs out, then bisects to within an eighth; times the best one again.")
        .Add(o => o.SearchSteps, "Timed steps of each try while searching, at least 1.")
        .Add(o => o.MaxBatch, "The largest batch to try while searching, at least 1.", byDefault: "as far as memory goes")
        .Add(o => o.InProcess,
            "Measures in this process instead of in one of its own, for a profiler to watch; for one configuration, which a lack of "
            + "memory may end without a word.");

    /// <summary>Every combination, in the order of the options' values.</summary>
    public IEnumerable<BenchConfiguration> Configurations() =>
        from layers in LayerCount
        from batch in BatchSize
        from scheme in Scheme
        from arithmetic in Arithmetic is [] ? [scheme.DefaultArithmetic] : Arithmetic
        from wayBack in WayBack is [] ? [scheme.DefaultWayBack(arithmetic)] : WayBack
        from kept in KeptLayerCount
        from precision in Precision
        from placement in OptimizerPlacement
        select new BenchConfiguration
        {
            Model = Shape(layers),
            BatchSize = batch,
            Scheme = scheme,
            WayBack = wayBack,
            KeptLayerCount = kept,
            Arithmetic = arithmetic,
            Precision = precision,
            OptimizerPlacement = placement,
            Deterministic = Deterministic,
            Device = Device,
            Steps = Steps,
        };

    /// <param name="table">The options.</param>
    /// <param name="parsed">What was typed.</param>
    /// <exception cref="UsageException">An option is out of its range, has no effect, or does not go with another.</exception>
    /// <exception cref="ArgumentException">The model's shape or the device's name is wrong.</exception>
    public void Check(SettingTable<BenchSettings> table, ParseResult parsed)
    {
        table.RefuseTyped(parsed, Unused());
        foreach (int layers in LayerCount) Shape(layers).Check();
        foreach (int batch in BatchSize) AtLeastOne("--batch-size", batch);
        if (KeptLayerCount.Any(kept => kept < 0)) throw new UsageException("--kept-layer-count must be at least 0.");
        AtLeastOne("--steps", Steps);
        AtLeastOne("--search-steps", SearchSteps);
        if (MaxBatch is { } most) AtLeastOne("--max-batch", most);
        if (MaxBatch < BatchSize.Max()) throw new UsageException($"--max-batch must be at least --batch-size, which is {BatchSize.Max()}.");
        if (Search && BatchSize.Count > 1) throw new UsageException("--batch-size must be one number with --search, which begins there.");
        if (InProcess && (Search || Configurations().Count() > 1))
            throw new UsageException("--in-process measures one configuration and does not go with --search.");
    }

    private IEnumerable<UnusedOption> Unused()
    {
        if (Family != ModelFamily.Llama)
            yield return new(nameof(KeyValueHeadCount), "in the GPT-2 family: it is for the Llama family", "set Family to Llama");
        if (!Devices.IsGpu(Device)) yield return TrainingOptions.DeterministicOnCpu;
        if (!Search)
        {
            foreach (string option in new[] { nameof(SearchSteps), nameof(MaxBatch) })
                yield return new(option, "without --search", "ask for --search");
        }
        else if (Steps <= SearchSteps)
            yield return new(nameof(Steps), "where a search times each batch for as many steps", "take more than --search-steps");
    }

    private static void AtLeastOne(string option, int value)
    {
        if (value < 1) throw new UsageException($"{option} must be at least 1, not {value}.");
    }

    private LanguageModelConfiguration Shape(int layers) => Family == ModelFamily.Llama
        ? new LlamaConfiguration
        {
            VocabularySize = VocabularySize,
            ContextLength = ContextLength,
            LayerCount = layers,
            HeadCount = HeadCount,
            KeyValueHeadCount = KeyValueHeadCount,
            Width = Width,
            MlpWidth = MlpWidth,
        }
        : new GptConfiguration
        {
            VocabularySize = VocabularySize,
            ContextLength = ContextLength,
            LayerCount = layers,
            HeadCount = HeadCount,
            Width = Width,
            MlpWidth = MlpWidth,
            Activation = Activation.GeluTanh,
        };
}
