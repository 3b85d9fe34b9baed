using System.CommandLine;
using Microsoft.ML.Reversible.Cli.Options;
using Microsoft.ML.Reversible.Training;

namespace Microsoft.ML.Reversible.Cli.Verbs;

/// <summary>The options of 'train' that set properties of the trainer's options.</summary>
internal static class TrainSettings
{
    private const int MostWarmupSteps = 100;

    /// <summary>Properties of any trainer's options that the command line has no use for, and why.</summary>
    public static readonly IReadOnlyDictionary<string, string> LeftOut = new Dictionary<string, string>
    {
        [nameof(ReversibleLmTrainer.Options.TextColumnName)] = "the data has one column",
        [nameof(ReversibleLmTrainer.Options.LogLikelihoodColumnName)] = "no columns are written",
        [nameof(ReversibleLmTrainer.Options.TokenCountColumnName)] = "no columns are written",
        [nameof(ReversibleLmTrainer.Options.PerplexityColumnName)] = "no columns are written",
        [nameof(ReversibleLmTrainer.Options.Tokenizer)] = "it is an object; files are named by a path",
        [nameof(ReversibleLmTrainer.Options.Progress)] = "it is what is shown",
        [nameof(ReversibleLmTrainer.Options.TokenizationProgress)] = "it is what is shown",
        [nameof(ReversibleLmTrainer.Options.CancellationToken)] = "Ctrl+C cancels",
    };

    /// <summary>The options.</summary>
    public static SettingTable<ReversibleLmTrainer.Options> Table() => new SettingTable<ReversibleLmTrainer.Options>()
        .Group("Model")
        .Add(o => o.PretrainedFolder,
            "A folder in Hugging Face's layout to start from; shape, scheme and tokenizer are then the folder's.", "FOLDER",
            "random weights", alias: "--model")
        .Add(o => o.Family, "The kind of transformer.")
        .Add(o => o.Scheme,
            "The recurrence over the layers: midpoint, midpoint:H with a step size, leapfrog:H, midpoint-a:H, hamiltonian, bdia:k=K, "
            + "blend:K, estimator:a=A,m=M, or residual, which is the standard transformer and is not reversible.", byDefault: "midpoint")
        .AddWayBack()
        .Add(o => o.LayerCount, "Number of blocks, at least 1.")
        .Add(o => o.HeadCount, "Number of attention heads, at least 1; it divides the width.")
        .Add(o => o.KeyValueHeadCount, "Heads of keys and values in the Llama family; it divides the number of heads.",
            byDefault: "one for each head")
        .Add(o => o.Width, "Length of the hidden states' vectors, at least 1.")
        .Add(o => o.MlpWidth, "Width of the hidden layer of a block's MLP, at least 1.",
            byDefault: "four times the width in the GPT-2 family, about two thirds of that in the Llama family")
        .Add(o => o.ContextLength, "Tokens that a window holds, at least 1.")
        .Add(o => o.Activation, "The function between the two layers of a block's MLP in the GPT-2 family.")
        .Add(o => o.TiedHead, "Whether the head shares the token embedding's matrix.")
        .AddFreezing()
        .Group("Text")
        .Add(o => o.Tokenization, "What becomes a token, where a tokenizer is learned from the data.")
        .Add(o => o.VocabularySize, "Tokens that bpe learns, end of text included, at least 257.")
        .Add(o => o.TokenizerPath, "A folder with tokenizer files, or one such file, to use instead of learning one.", "PATH",
            "one is learned", alias: "--tokenizer")
        .AddPacking()
        .Add(o => o.ValidationFraction,
            "The part of the tokens, from the end, that is held out for validation; within [0, 1), 0 holds out nothing.")
        .AddOptimization(MostWarmupSteps)
        .Add(o => o.LabelSmoothing, "The part of the target that is spread over the whole vocabulary, within [0, 1).")
        .AddRun()
        .AddCheckpoints()
        .AddOthers(LeftOut.Keys);

    /// <summary>The trainer's options; those that follow from others do so where they were not typed.</summary>
    public static ReversibleLmTrainer.Options Read(SettingTable<ReversibleLmTrainer.Options> table, ParseResult parsed)
    {
        ReversibleLmTrainer.Options options = table.ReadTraining(parsed, MostWarmupSteps);
        table.RefuseTyped(parsed, options.Unused(Devices.IsGpu(options.Device), isText: true));
        return options;
    }
}
