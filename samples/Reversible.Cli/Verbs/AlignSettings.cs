using System.CommandLine;
using Microsoft.ML.Reversible.Cli.Options;
using Microsoft.ML.Reversible.Training;

namespace Microsoft.ML.Reversible.Cli.Verbs;

/// <summary>The options of 'align' that set properties of the estimator's options.</summary>
internal static class AlignSettings
{
    private const string OfConversations = "each answer has a row of its own";

    /// <summary>Properties of the options without a command-line option of their name, and why.</summary>
    public static readonly IReadOnlyDictionary<string, string> LeftOut =
        new Dictionary<string, string>(FineTuneSettings.LeftOut)
        {
            [nameof(PreferenceEstimator.Options.ChosenColumnName)] = "the files have the columns",
            [nameof(PreferenceEstimator.Options.RejectedColumnName)] = "the files have the columns",
            [nameof(PreferenceEstimator.Options.Packing)] = OfConversations,
            [nameof(PreferenceEstimator.Options.AttendAcrossConversations)] = OfConversations,
            [nameof(PreferenceEstimator.Options.PairProgress)] = "the command line uses it to show the report",
        };

    /// <summary>The options.</summary>
    public static SettingTable<PreferenceEstimator.Options> Table() => new SettingTable<PreferenceEstimator.Options>()
        .AddModelToTune()
        .Group("Preferences")
        .Add(o => o.Beta, "How strongly the model is held to the first one, positive.")
        .Add(o => o.LabelSmoothing, "Probability that a preference is the wrong way round, within [0, 0.5).")
        .Add(o => o.SftWeight, "Weight of the chosen answers' mean loss per token, which is added to the loss; at least 0.")
        .AddChat()
        .Add(o => o.ContextLength,
            "Tokens of a prompt with its answer, at least 1 and at most the model's context length; longer prompts lose their beginning.")
        .Add(o => o.ValidationFraction,
            "Fraction of the pairs, from the end, that is held out for validation; within [0, 1), 0 holds out nothing.")
        .AddOptimization()
        .AddRun()
        .AddCheckpoints()
        .AddOthers(LeftOut.Keys);

    /// <summary>Reads the estimator's options.</summary>
    public static PreferenceEstimator.Options Read(
        SettingTable<PreferenceEstimator.Options> table, ParseResult parsed, bool hasValidation)
    {
        PreferenceEstimator.Options options = table.Read(parsed);
        table.RefuseTyped(parsed, options.Unused(Devices.IsGpu(options.Device)));
        if (hasValidation)
            table.RefuseTyped(parsed, [new(nameof(options.ValidationFraction), "with --validation", "leave out --validation")]);
        return options;
    }
}
