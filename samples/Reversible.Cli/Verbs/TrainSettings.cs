using System.CommandLine;
using Microsoft.ML.Reversible.Cli.Options;
using Microsoft.ML.Reversible.Training;

namespace Microsoft.ML.Reversible.Cli.Verbs;

/// <summary>The options of 'train' that set properties of the trainer's options.</summary>
internal static class TrainSettings
{
    /// <summary>Properties of the trainer's options without a command-line option, and why.</summary>
    public static readonly IReadOnlyDictionary<string, string> LeftOut = new Dictionary<string, string>
    {
        [nameof(ReversibleLmTrainer.Options.TextColumnName)] = "the data has one column",
        [nameof(ReversibleLmTrainer.Options.LogLikelihoodColumnName)] = "no columns are written",
        [nameof(ReversibleLmTrainer.Options.TokenCountColumnName)] = "no columns are written",
        [nameof(ReversibleLmTrainer.Options.PerplexityColumnName)] = "no columns are written",
        [nameof(ReversibleLmTrainer.Options.Tokenizer)] = "it is an object; --tokenizer-path names files",
        [nameof(ReversibleLmTrainer.Options.Progress)] = "the command line uses it to show progress",
        [nameof(ReversibleLmTrainer.Options.TokenizationProgress)] = "the command line uses it to show progress",
        [nameof(ReversibleLmTrainer.Options.CancellationToken)] = "Ctrl+C cancels",
    };

    /// <summary>The options.</summary>
    public static SettingTable<ReversibleLmTrainer.Options> Table() => new SettingTable<ReversibleLmTrainer.Options>()
        .Group("Model")
        .Add(o => o.PretrainedFolder,
            "A folder in Hugging Face's layout to start from; shape, scheme and tokenizer are those of the folder.", "FOLDER",
            "random weights", alias: "--model")
        .Add(o => o.Family, "The architecture of the transformer.")
        .Add(o => o.Scheme,
            "The recurrence over the layers: midpoint, midpoint:H with a step size, leapfrog:H, midpoint-a:H, hamiltonian, bdia:k=K, "
            + "blend:K, iterated-inverse:a=A,m=M, or residual, which is the standard transformer and is not reversible.",
            byDefault: "midpoint")
        .AddBackwardMode()
        .Add(o => o.LayerCount, "Number of blocks, at least 1.")
        .Add(o => o.HeadCount, "Number of attention heads, at least 1; must divide the width.",
            byDefault: "the largest number up to 6 that divides the width")
        .Add(o => o.KeyValueHeadCount,
            $"Number of key/value heads in {ModelFamilyRow.With(nameof(ModelShape.KeyValueHeadCount))}; "
            + "must divide the number of heads.",
            byDefault: "one for each head")
        .Add(o => o.Width, "Width of the hidden states, at least 1.")
        .Add(o => o.MlpWidth, "Width of the hidden layer of a block's MLP, at least 1.",
            byDefault: "four times the width in the GPT-2 family, about two thirds of that in the others")
        .Add(o => o.ContextLength, "Tokens in a window, at least 1.")
        .Add(o => o.Activation,
            $"The activation function of a block's MLP in {ModelFamilyRow.With(nameof(ModelShape.Activation))}.")
        .Add(o => o.TiedHead, "Whether the head shares the token embedding's matrix.")
        .AddFreezing()
        .Group("Text")
        .Add(o => o.Tokenization, "The kind of tokenizer that is learned from the data.")
        .Add(o => o.VocabularySize, "Size of the vocabulary that bpe learns, including end of text, at least 257.")
        .Add(o => o.TokenizerPath, "A folder with tokenizer files, or one such file, to use instead of learning one.", "PATH",
            "one is learned", alias: "--tokenizer")
        .AddPacking()
        .Add(o => o.ValidationFraction,
            "Fraction of the tokens, from the end, that is held out for validation; within [0, 1), 0 holds out nothing.")
        .AddOptimization()
        .Add(o => o.LabelSmoothing, "Fraction of the target that is spread over the whole vocabulary, within [0, 1).")
        .AddDropout()
        .AddRun()
        .AddCheckpoints()
        .AddOthers(LeftOut.Keys);

    /// <summary>Reads the trainer's options.</summary>
    public static ReversibleLmTrainer.Options Read(SettingTable<ReversibleLmTrainer.Options> table, ParseResult parsed)
    {
        ReversibleLmTrainer.Options options = table.Read(parsed);
        table.RefuseTyped(parsed, options.Unused(Devices.IsGpu(options.Device), isText: true));
        return options;
    }
}
