using System.CommandLine;
using Microsoft.ML.Reversible.Cli.Options;
using Microsoft.ML.Reversible.Training;

namespace Microsoft.ML.Reversible.Cli.Verbs;

/// <summary>The options of 'retrofit' that set properties of the retrofit's options.</summary>
internal static class RetrofitSettings
{
    private const int MostWarmupSteps = 50;
    private const string SchemeName = "--scheme";

    /// <summary>Properties of the options that no option of the command line is named after, and why.</summary>
    public static readonly IReadOnlyDictionary<string, string> LeftOut =
        new Dictionary<string, string>(TrainSettings.LeftOut)
        {
            [nameof(RetrofitEstimator.Options.Teacher)] = "it is an object; a teacher is named by its folder",
            [nameof(RetrofitEstimator.Options.ChooseScheme)] = "--scheme auto sets it",
            [nameof(RetrofitEstimator.Options.ReportProgress)] = "it is what is shown",
        };

    /// <summary>The options.</summary>
    public static SettingTable<RetrofitEstimator.Options> Table() => new SettingTable<RetrofitEstimator.Options>()
        .Group("Teacher")
        .Add(o => o.TeacherPath,
            "The trained model, a folder in Hugging Face's layout: a residual model of the GPT-2 or the Llama family.", "FOLDER",
            alias: "--teacher", required: true)
        .Add(o => o.TeacherDevice, "Where the teacher computes.", "cpu|cuda|cuda:N", "the student's device")
        .Add(o => o.TeacherPrecision, "The number type in which the teacher's blocks compute.")
        .Group("Student")
        .Add(nameof(RetrofitEstimator.Options.Scheme), SchemeOption(), (choice, o) => choice!.Apply(o))
        .Add(o => o.MaxSideGiB, "The most memory that a chosen scheme may take for its stored bits in a batch, GiB, at least 0.",
            byDefault: "no limit")
        .Add(o => o.MaxRelativeCost,
            "The most that a training step of a chosen scheme may cost, in steps of the teacher with activation checkpointing, at least 1.",
            byDefault: "no limit")
        .Add(o => o.SearchStepSize, "Whether midpoint and leapfrog get the step size with which they come nearest to the teacher.")
        .Add(o => o.StudentPath, "A folder to start from instead, such as an earlier retrofit's; its scheme is the folder's.", "FOLDER",
            "the teacher is converted", alias: "--student")
        .Add(o => o.ReportWindows, "Held-out windows on which teacher and student are compared, at least 1.")
        .Group("Distillation")
        .Add(o => o.Distill, "Whether the student is trained to answer as the teacher does; false converts it and no more.")
        .Add(o => o.Divergence, "What the student's distance from the teacher is measured by.")
        .Add(o => o.JensenShannonWeight, "The teacher's share of the mixture of jensen-shannon, within (0, 1).")
        .Add(o => o.Temperature, "What both models' logits are divided by for the divergence, positive.")
        .Add(o => o.CrossEntropyWeight, "The weight of the text's own cross-entropy, within [0, 1]; the divergence has the rest.")
        .Add(o => o.HiddenStateWeight,
            "The weight of the squared difference between the hidden states of student and teacher, at least 0; 0 leaves it out.")
        .Add(o => o.LayerMap,
            "The hidden states that are compared, teacher's and student's: 0 is the embedding, 1 that behind the first layer, and so on.",
            "T:S,T:S,...", "each with the student's at the same layer")
        .Add(o => o.TeacherTopK,
            "How many of the teacher's largest logits of each token are kept on disk, so that later epochs do not run the teacher; at "
            + "least 0, 0 runs the teacher each time.")
        .Add(o => o.TeacherCachePath, "The file for them, used again where teacher and data are the same.", "FILE", "a temporary one")
        .Group("Layers")
        .AddWayBack()
        .AddFreezing()
        .Group("Text")
        .Add(o => o.ContextLength, "Tokens that a window holds, at least 1 and at most what the teacher holds.")
        .Add(o => o.TokenizerPath, "A folder with the teacher's tokenizer files, or one such file.", "PATH", "the teacher's folder",
            alias: "--tokenizer")
        .AddPacking()
        .Add(o => o.ValidationFraction,
            "The part of the tokens, from the end, that is held out to compare teacher and student on; within (0, 1).")
        .AddOptimization(MostWarmupSteps)
        .AddRun()
        .AddCheckpoints()
        .AddOthers(LeftOut.Keys);

    /// <summary>The retrofit's options; those that follow from others do so where they were not typed.</summary>
    public static RetrofitEstimator.Options Read(SettingTable<RetrofitEstimator.Options> table, ParseResult parsed)
    {
        RetrofitEstimator.Options options = table.ReadTraining(parsed, MostWarmupSteps);
        table.RefuseTyped(
            parsed, options.Unused(Devices.IsGpu(options.Device)).Where(one => !IsAutomaticChoice(one, options)));
        if (options.SearchStepSize && options.StudentPath is null && parsed.GetValue<SchemeChoice>(SchemeName) is { Names: { } named })
            throw RetrofitEstimator.Options.NamedStepSize(named);
        return options;
    }

    /// <summary>'--scheme auto' sets ChooseScheme, beside which the property Scheme has no effect.</summary>
    private static bool IsAutomaticChoice(UnusedOption one, RetrofitEstimator.Options options) =>
        one.Option == nameof(options.Scheme) && options is { ChooseScheme: true, StudentPath: null };

    private static Option<SchemeChoice> SchemeOption() => new(SchemeName)
    {
        Description =
            "The recurrence that the layers get: blend:K stays closest to the teacher and stores log2 K bits an activation; "
            + "estimator:a=A,m=M, midpoint, midpoint:H, leapfrog and leapfrog:H store fewer or none and need distillation; bdia is the "
            + "teacher's network again once trained; auto measures all and takes the closest within the limits. Default: blend:16.",
        HelpName = "SCHEME|auto",
        CustomParser = result => new SchemeChoice(
            result.Tokens[^1].Value,
            result.Tokens[^1].Value.Equals("auto", StringComparison.OrdinalIgnoreCase) ? null : OptionValue.Parse<Scheme>(result)),
    };

    /// <summary>A scheme as it was typed; null is auto.</summary>
    private sealed record SchemeChoice(string Text, Scheme? Scheme)
    {
        /// <summary>The scheme, where a step size that could be searched for was typed with it; else null.</summary>
        public Scheme? Names => Text.Contains(':') && Scheme is not null && RetrofitEstimator.Options.HasStepSize(Scheme) ? Scheme : null;

        public void Apply(RetrofitEstimator.Options options)
        {
            if (Scheme is null) options.ChooseScheme = true;
            else options.Scheme = Scheme;
        }
    }
}
