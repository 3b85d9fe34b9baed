namespace Microsoft.ML.Reversible.Tests;

/// <summary>Data views of small texts.</summary>
internal static class Corpus
{
    public sealed class Row
    {
        public string Text { get; set; } = "";
    }

    public sealed class ScoredRow
    {
        public string Text { get; set; } = "";

        public float LogLikelihood { get; set; }

        public int TokenCount { get; set; }

        public float Perplexity { get; set; }
    }

    /// <summary>Rows of a text that is easily learned.</summary>
    public static string[] Rows =>
        [.. Enumerable.Range(0, 200).Select(i => $"the {Colours[i % 3]} fox number {i % 10} jumps over the {Colours[(i + 1) % 3]} dog")];

    private static readonly string[] Colours = ["red", "blue", "brown"];

    public static IDataView View(MLContext ml, params string[] rows) =>
        ml.Data.LoadFromEnumerable(rows.Select(text => new Row { Text = text }));

    /// <summary>Options of a run that takes a moment.</summary>
    public static ReversibleLmTrainer.Options QuickOptions => new()
    {
        LayerCount = 2,
        HeadCount = 2,
        Width = 32,
        ContextLength = 16,
        BatchSize = 4,
        MaxSteps = 20,
        WarmupSteps = 2,
        LearningRate = 5e-3,
        FinalLearningRate = 5e-4,
        Tokenization = TextTokenization.Byte,
        Seed = 1,
    };

    public static ReversibleLmTransformer Train(MLContext ml, Action<ReversibleLmTrainer.Options>? change = null)
    {
        ReversibleLmTrainer.Options options = QuickOptions;
        change?.Invoke(options);
        LeaveOutWhatHasNoEffect(options);
        if (options.WarmupSteps > options.MaxSteps) options.WarmupSteps = options.MaxSteps;
        return ml.Reversible().LanguageModel(options).Fit(View(ml, Rows));
    }

    /// <summary>
    /// Resets the options of a new model that <see cref="QuickOptions"/> sets, for runs that take them from a folder or file.
    /// </summary>
    private static void LeaveOutWhatHasNoEffect(ReversibleLmTrainer.Options options)
    {
        ReversibleLmTrainer.Options plain = new();
        if (options.PretrainedFolder is not null)
            (options.LayerCount, options.HeadCount, options.Width) = (plain.LayerCount, plain.HeadCount, plain.Width);
        if (options.PretrainedFolder is not null || options.Tokenizer is not null || options.TokenizerPath is not null)
            options.Tokenization = plain.Tokenization;
    }

    public static ScoredRow[] Scores(MLContext ml, ITransformer model, params string[] texts) =>
        [.. ml.Data.CreateEnumerable<ScoredRow>(model.Transform(View(ml, texts)), reuseRowObject: false)];
}
