using System.CommandLine;
using Microsoft.ML.Reversible.Cli.Options;
using Microsoft.ML.Reversible.Training;

namespace Microsoft.ML.Reversible.Cli.Verbs;

/// <summary>The options of 'finetune' that set properties of the estimator's options.</summary>
internal static class FineTuneSettings
{
    private const string OneLayout = "the files have the columns";
    private const string OfTexts = "it is for texts, not for conversations";

    /// <summary>Properties of the options without a command-line option of their name, and why.</summary>
    public static readonly IReadOnlyDictionary<string, string> LeftOut =
        new Dictionary<string, string>(TrainSettings.LeftOut)
        {
            [nameof(FineTuneEstimator.Options.Model)] = "it is an object; --model-path names a folder",
            [nameof(FineTuneEstimator.Options.RolesColumnName)] = OneLayout,
            [nameof(FineTuneEstimator.Options.TextsColumnName)] = OneLayout,
            [nameof(FineTuneEstimator.Options.PromptColumnName)] = OneLayout,
            [nameof(FineTuneEstimator.Options.ResponseColumnName)] = OneLayout,
            [nameof(FineTuneEstimator.Options.SystemColumnName)] = OneLayout,
            [nameof(FineTuneEstimator.Options.TokenCachePath)] = OfTexts,
            [nameof(FineTuneEstimator.Options.EndOfTextId)] = OfTexts,
            [nameof(FineTuneEstimator.Options.DocumentBoundaries)] = OfTexts,
            [nameof(FineTuneEstimator.Options.ReportProgress)] = "the command line uses it to show the report",
        };

    /// <summary>The options.</summary>
    public static SettingTable<FineTuneEstimator.Options> Table() => new SettingTable<FineTuneEstimator.Options>()
        .AddModelToTune()
        .Group("Conversations")
        .AddChat()
        .Add(o => o.ContextLength,
            "Tokens in a window, at least 1 and at most the model's context length; longer conversations are truncated.")
        .Add(o => o.Packing, "Whether a window has several conversations.")
        .Add(o => o.AttendAcrossConversations, "Whether tokens see the conversations before theirs in the window.")
        .Add(o => o.ValidationFraction,
            "Fraction of the tokens, in the last conversations, that is held out for validation; within [0, 1), 0 holds out nothing.")
        .AddOptimization()
        .AddRun()
        .AddCheckpoints()
        .AddOthers(LeftOut.Keys);

    /// <summary>The model to start from and its adapter.</summary>
    public static SettingTable<T> AddModelToTune<T>(this SettingTable<T> table) where T : FineTuneEstimator.Options, new() => table
        .Group("Model")
        .Add(o => o.ModelPath, "The model to start from, a folder in Hugging Face's layout.", "FOLDER", alias: "--model", required: true)
        .Add(o => o.Scheme,
            "The recurrence over the layers; another one than the model's converts the weights of a residual model, as retrofit does: "
            + "blend:16 stays close to it.",
            byDefault: "the model's own")
        .AddBackwardMode()
        .AddFreezing()
        .AddDropout()
        .Group("Adapter")
        .Add(o => o.LoraRank, "Rank of a LoRA adapter, at least 1; the model itself is frozen.", byDefault: "none, all weights are trained")
        .Add(o => o.LoraAlpha, "Numerator of the adapter's scale, positive.", byDefault: "twice the rank")
        .Add(o => o.LoraRankStabilized, "Whether the scale is divided by the root of the rank instead of the rank.")
        .Add(o => o.LoraTargets, "The matrices with an adapter: all-linear, or names and regular expressions separated by commas.")
        .Add(o => o.LoraDropout, "Probability of dropping a number of an adapter's input in training, within [0, 1).")
        .Add(o => o.TrainEmbedding, "Whether the embedding is trained beside the adapter.", byDefault: "true if tokens are added")
        .Add(o => o.TrainHead, "Whether the head is trained beside the adapter.", byDefault: "true if tokens are added")
        .Add(o => o.BasePrecision, "The number type in which the frozen weights below the adapter are kept.");

    /// <summary>How conversations become tokens.</summary>
    public static SettingTable<T> AddChat<T>(this SettingTable<T> table) where T : FineTuneEstimator.Options, new() => table
        .Add(o => o.ChatFormat, "How conversations become text.", alias: "--format",
            byDefault: "that of the model's tokenizer files")
        .Add(o => o.SystemPrompt, "Text of the system turn of conversations without one.", byDefault: "none")
        .Add(o => o.AddedTokens, "A token to add to the vocabulary, besides those that the format needs; repeat the option for more.",
            "TEXT", "none")
        .Add(o => o.VocabularyMultiple, "The number of rows of a larger embedding is a multiple of this, at least 1.")
        .Add(o => o.TokenizerPath, "A folder with the model's tokenizer files, or one such file.", "PATH", "the model's folder",
            alias: "--tokenizer");

    /// <summary>Reads the estimator's options.</summary>
    public static FineTuneEstimator.Options Read(SettingTable<FineTuneEstimator.Options> table, ParseResult parsed, bool hasValidation)
    {
        FineTuneEstimator.Options options = table.Read(parsed);
        table.RefuseTyped(parsed, options.Unused(Devices.IsGpu(options.Device)));
        if (hasValidation)
            table.RefuseTyped(parsed, [new(nameof(options.ValidationFraction), "with --validation", "leave out --validation")]);
        return options;
    }
}
